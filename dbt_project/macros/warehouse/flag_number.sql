{#- True or false, also as text, as 1 or 0. A number stays as it is: NaN or 2 would be true otherwise,
    and the check could not name it. -#}
{% macro flag_number(flag) -%}
    {{ return(adapter.dispatch('flag_number')(flag)) }}
{%- endmacro %}

{% macro duckdb__flag_number(flag) -%}
    coalesce(try_cast({{ flag }} as double), cast(cast({{ flag }} as boolean) as double))
{%- endmacro %}
