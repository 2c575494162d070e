{#- True or false as 1 or 0. -#}
{% macro flag_number(flag) -%}
    {{ return(adapter.dispatch('flag_number')(flag)) }}
{%- endmacro %}

{#- Also of a text. A number stays as it is: NaN or 2 would be true otherwise, and the check could not name it. -#}
{% macro duckdb__flag_number(flag) -%}
    coalesce(try_cast({{ flag }} as double), cast(cast({{ flag }} as boolean) as double))
{%- endmacro %}

{#- An argument is a boolean there, whatever a caller gives. -#}
{% macro snowflake__flag_number(flag) -%}
    cast(case when {{ flag }} then 1 when not {{ flag }} then 0 end as double)
{%- endmacro %}
