{#- The raw source of a task, given by a SQL expression; NULL for a registered task. -#}
{% macro source_of(task) -%}
    case {{ task }}
        {%- for name, parts in tasks().items() %}
        when '{{ name }}' then '{{ parts.source }}'
        {%- endfor %}
    end
{%- endmacro %}
