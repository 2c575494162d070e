{#- What begins the transaction of a hook with several statements, where the adapter has begun none. -#}
{% macro begin_hook() -%}
    {{ return(adapter.dispatch('begin_hook')()) }}
{%- endmacro %}

{% macro duckdb__begin_hook() -%}
{%- endmacro %}

{% macro snowflake__begin_hook() -%}
    begin;
{%- endmacro %}
