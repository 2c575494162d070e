{{ config(materialized='table') }}

{#- What the champions answered first. -#}
{% set references -%}
    select
        task,
        model_id,
        model_id as reference
    from {{ ref('champions') }}
{%- endset -%}

{{ drift('prediction', references) }}
