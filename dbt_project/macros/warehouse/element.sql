{#- The member of a list at a place, from 1. -#}
{% macro element(list, place, type='double') -%}
    {{ return(adapter.dispatch('element')(list, place, type)) }}
{%- endmacro %}

{% macro duckdb__element(list, place, type) -%}
    {{ list }}[{{ place }}]
{%- endmacro %}

{% macro snowflake__element(list, place, type) -%}
    cast(get({{ list }}, {{ place - 1 }}) as {{ type }})
{%- endmacro %}
