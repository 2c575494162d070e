{#- The raw source of a task, whose name is an SQL expression; NULL for a task from outside. -#}
{% macro source_of(task) -%}
    case {{ task }}
        {%- for name, parts in tasks().items() %}
        when '{{ name }}' then '{{ parts.source }}'
        {%- endfor %}
    end
{%- endmacro %}
