{#- Aggregate: texts as one, with a separator between them, in the order of a column. -#}
{% macro joined_text(column, separator, order) -%}
    {{ return(adapter.dispatch('joined_text')(column, separator, order)) }}
{%- endmacro %}

{% macro duckdb__joined_text(column, separator, order) -%}
    string_agg({{ column }}, '{{ separator }}' order by {{ order }})
{%- endmacro %}

{% macro snowflake__joined_text(column, separator, order) -%}
    listagg({{ column }}, '{{ separator }}') within group (order by {{ order }})
{%- endmacro %}
