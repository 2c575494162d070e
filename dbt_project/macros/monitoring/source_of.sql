{#- The raw source of a task, whose name is an SQL expression; NULL for a task from outside. -#}
{% macro source_of(task) -%}
    case {{ task }}
        {%- for name, source in task_sources().items() %}
        when '{{ name }}' then '{{ source }}'
        {%- endfor %}
    end
{%- endmacro %}
