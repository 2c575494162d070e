{#- Aggregate: the values of a column as a list, in the order of another; NULL of no row. -#}
{% macro list_of(column, order) -%}
    {{ return(adapter.dispatch('list_of')(column, order)) }}
{%- endmacro %}

{% macro duckdb__list_of(column, order) -%}
    list({{ column }} order by {{ order }})
{%- endmacro %}

{% macro snowflake__list_of(column, order) -%}
    array_agg({{ column }}) within group (order by {{ order }})
{%- endmacro %}
