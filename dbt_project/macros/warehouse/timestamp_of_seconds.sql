{#- The time so many seconds after the beginning of 1970, in UTC, as a timestamp without time zone. -#}
{% macro timestamp_of_seconds(seconds) -%}
    {{ return(adapter.dispatch('timestamp_of_seconds')(seconds)) }}
{%- endmacro %}

{% macro duckdb__timestamp_of_seconds(seconds) -%}
    make_timestamp({{ seconds }} * 1000000)
{%- endmacro %}

{% macro snowflake__timestamp_of_seconds(seconds) -%}
    to_timestamp_ntz({{ seconds }})
{%- endmacro %}
