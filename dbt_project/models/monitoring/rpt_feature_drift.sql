{{ config(materialized='table') }}

{#- What the champions were trained on. -#}
{% set references -%}
    select distinct
        champions.task,
        champions.model_id,
        versions.feature_fingerprint as reference
    from {{ ref('champions') }} as champions
    inner join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
{%- endset -%}

{{ drift('feature', references) }}
