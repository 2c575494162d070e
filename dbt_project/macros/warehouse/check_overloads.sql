{#- All forms of a task's check: its features, and the members of its blocks that no one knows. -#}
{% macro check_overloads(task) -%}
    {{ return(adapter.dispatch('check_overloads')(task)) }}
{%- endmacro %}

{% macro duckdb__check_overloads(task) -%}
    ({{ argument_names(task) | join(', ') }}) as {{ check(task, '') }},
    (t) as {{ check(task, 't.') }}
{%- endmacro %}

{% macro snowflake__check_overloads(task) -%}
    {{ check(task, '') }}
{%- endmacro %}
