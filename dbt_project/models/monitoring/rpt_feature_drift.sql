{{ config(materialized='table') }}

{#- The champions' training data. -#}
{% set references -%}
    select
        champions.task,
        champions.model_id,
        versions.origin,
        versions.feature_fingerprint as reference
    from {{ ref('champions') }} as champions
    inner join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
    -- Training on changed rows may give the same model again, as a new version: the newest counts.
    qualify row_number() over (partition by champions.task order by versions.version desc nulls last) = 1
{%- endset -%}

{{ drift('feature', references) }}
