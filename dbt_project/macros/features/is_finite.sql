{#- True where a number is neither NaN, which is larger than all, nor infinite. -#}
{% macro is_finite(number) -%}
    abs({{ number }}) < cast('inf' as double)
{%- endmacro %}
