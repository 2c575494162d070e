{#- True for a column of a relation that holds lists. -#}
{% macro is_list(column) -%}
    {{ return(adapter.dispatch('is_list')(column)) }}
{%- endmacro %}

{% macro duckdb__is_list(column) -%}
    {%- do return(column.dtype.endswith('[]')) -%}
{%- endmacro %}

{% macro snowflake__is_list(column) -%}
    {%- do return(column.dtype | upper in ['ARRAY', 'OBJECT', 'VARIANT']) -%}
{%- endmacro %}
