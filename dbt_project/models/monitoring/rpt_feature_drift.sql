{{ config(materialized='table') }}

{#- What the champions were trained on. -#}
{% set references -%}
    select
        champions.task,
        champions.model_id,
        versions.feature_fingerprint as reference
    from {{ ref('champions') }} as champions
    inner join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
    -- Rows that differ where no model was trained on them give the same model once more.
    qualify row_number() over (partition by champions.task order by versions.version desc) = 1
{%- endset -%}

{{ drift('feature', references) }}
