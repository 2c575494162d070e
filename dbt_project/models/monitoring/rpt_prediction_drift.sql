{{ config(materialized='table') }}

{#- The champions' first predictions. -#}
{% set references -%}
    select
        champions.task,
        champions.model_id,
        versions.origin,
        champions.model_id as reference
    from {{ ref('champions') }} as champions
    inner join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
    -- A model with the same bytes may have several versions.
    qualify row_number() over (partition by champions.task order by versions.version desc nulls last) = 1
{%- endset -%}

{{ drift('prediction', references) }}
