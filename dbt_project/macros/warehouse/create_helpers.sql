{#- What the SQL of this warehouse has no words for and the other functions need: created at the start of a run. -#}
{% macro create_helpers() -%}
    {{ return(adapter.dispatch('create_helpers')()) }}
{%- endmacro %}

{% macro duckdb__create_helpers() -%}
{%- endmacro %}

{% macro snowflake__create_helpers() -%}
    {%- do run_query("create schema if not exists " ~ target.database ~ "." ~ target.schema) if execute -%}
    {%- for name, helper in helpers().items() if execute and helper.module == 'helpers' -%}
        {%- do run_query(python_function(helper_name(name), helper.arguments, helper.returns, helper.module, name)) -%}
    {%- endfor -%}
{%- endmacro %}
