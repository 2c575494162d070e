{#- Aggregate: the distinct values of a column as a sorted list. -#}
{% macro distinct_list(column) -%}
    {{ return(adapter.dispatch('distinct_list')(column)) }}
{%- endmacro %}

{% macro duckdb__distinct_list(column) -%}
    list_sort(list(distinct {{ column }}))
{%- endmacro %}

{% macro snowflake__distinct_list(column) -%}
    array_agg(distinct {{ column }}) within group (order by {{ column }})
{%- endmacro %}
