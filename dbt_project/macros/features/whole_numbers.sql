{#- A query for the whole numbers from `first` to `last`, one per row. -#}
{% macro whole_numbers(name, last, first=1) -%}
    {%- for number in range(first, last + 1) %}
    {{ 'select' if loop.first else 'union all select' }} cast({{ number }} as bigint) as {{ name }}
    {%- endfor %}
{%- endmacro %}
