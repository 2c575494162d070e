{#- What the structs of a list have under a name, as a list. -#}
{% macro list_field(list, name) -%}
    {{ return(adapter.dispatch('list_field')(list, name)) }}
{%- endmacro %}

{% macro duckdb__list_field(list, name) -%}
    list_transform({{ list }}, lambda item: struct_extract(item, '{{ name }}'))
{%- endmacro %}

{% macro snowflake__list_field(list, name) -%}
    {{ helper_name('list_field') }}({{ list }}, '{{ name }}')
{%- endmacro %}
