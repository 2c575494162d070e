{#- A list of nothing, of members of a type. -#}
{% macro empty_list(type) -%}
    {{ return(adapter.dispatch('empty_list')(type)) }}
{%- endmacro %}

{% macro duckdb__empty_list(type) -%}
    cast([] as {{ type }}[])
{%- endmacro %}

{% macro snowflake__empty_list(type) -%}
    array_construct()
{%- endmacro %}
