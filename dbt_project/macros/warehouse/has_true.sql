{#- True where a list of flags has one that is true. -#}
{% macro has_true(flags) -%}
    {{ return(adapter.dispatch('has_true')(flags)) }}
{%- endmacro %}

{% macro duckdb__has_true(flags) -%}
    list_contains({{ flags }}, true)
{%- endmacro %}

{% macro snowflake__has_true(flags) -%}
    array_contains(to_variant(true), {{ flags }})
{%- endmacro %}
