{#- The non-negative integer that a short hexadecimal text stands for. -#}
{% macro hex_to_integer(hex) -%}
    {{ return(adapter.dispatch('hex_to_integer')(hex)) }}
{%- endmacro %}

{% macro duckdb__hex_to_integer(hex) -%}
    cast('0x' || {{ hex }} as bigint)
{%- endmacro %}

{% macro snowflake__hex_to_integer(hex) -%}
    to_number({{ hex }}, 'XXXXXXXX')
{%- endmacro %}
