{#- Stops a run where nothing was loaded yet. -#}
{% macro check_is_loaded() -%}
    {{ return(adapter.dispatch('check_is_loaded')()) }}
{%- endmacro %}

{% macro duckdb__check_is_loaded() -%}
{%- endmacro %}

{% macro snowflake__check_is_loaded() -%}
    {%- if execute and adapter.get_relation(target.database, 'raw', 'playlists') is none -%}
        {%- do exceptions.raise_compiler_error(
            "there is no table " ~ target.database ~ ".raw.playlists, the last that is loaded: run `hitparade load`"
        ) -%}
    {%- endif -%}
{%- endmacro %}
