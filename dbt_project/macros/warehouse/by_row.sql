{#- A typed function of a task, called on a row of a relation. -#}
{% macro by_row(function, task, row) -%}
    {{ return(adapter.dispatch('by_row')(function, task, row)) }}
{%- endmacro %}

{% macro duckdb__by_row(function, task, row) -%}
    {{ function }}({{ row }})
{%- endmacro %}

{#- A function takes no row there: the columns stand one by one. -#}
{% macro snowflake__by_row(function, task, row) -%}
    {{ function }}(
        {%- for name in argument_names(task) %}{{ row }}.{{ name }}{% if not loop.last %}, {% endif %}{% endfor -%}
    )
{%- endmacro %}
