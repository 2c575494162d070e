{#- A query for the whole numbers from 1 to `last`, one per row. -#}
{% macro whole_numbers(name, last) -%}
    {%- for number in range(1, last + 1) %}
    {{ 'select' if loop.first else 'union all select' }} cast({{ number }} as bigint) as {{ name }}
    {%- endfor %}
{%- endmacro %}
