{#- True if a number is neither NaN, which compares as larger than all numbers, nor infinite. -#}
{% macro is_finite(number) -%}
    abs({{ number }}) < cast('inf' as double)
{%- endmacro %}
