{{ config(materialized='table') }}

{#- The champions' first predictions. -#}
{% set references -%}
    select
        task,
        model_id,
        model_id as reference
    from {{ ref('champions') }}
{%- endset -%}

{{ drift('prediction', references) }}
