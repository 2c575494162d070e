{#- Stops a run where nothing was loaded yet. -#}
{% macro check_is_loaded() -%}
    {{ return(adapter.dispatch('check_is_loaded')()) }}
{%- endmacro %}

{% macro duckdb__check_is_loaded() -%}
{%- endmacro %}

{% macro snowflake__check_is_loaded() -%}
    {%- if execute and adapter.get_relation(target.database, 'ml', 'loaded_code') is none -%}
        {%- do exceptions.raise_compiler_error(
            "nothing was loaded to database " ~ target.database ~ " yet, or not all: run `hitparade load`"
        ) -%}
    {%- endif -%}
{%- endmacro %}
