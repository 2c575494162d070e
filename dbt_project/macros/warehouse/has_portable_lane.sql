{#- True where functions can answer in pure SQL. -#}
{% macro has_portable_lane() -%}
    {{ return(adapter.dispatch('has_portable_lane')()) }}
{%- endmacro %}

{% macro duckdb__has_portable_lane() -%}
    {%- do return(true) -%}
{%- endmacro %}

{% macro snowflake__has_portable_lane() -%}
    {%- do return(false) -%}
{%- endmacro %}
