{#- What the adapter leaves behind of a model. -#}
{% macro drop_leftovers(model) -%}
    {{ return(adapter.dispatch('drop_leftovers')(model)) }}
{%- endmacro %}

{#- dbt-duckdb creates the temporary table of an incremental Python model as a lasting one in the schema of the
    target, and never drops it. -#}
{% macro duckdb__drop_leftovers(model) -%}
    {%- set leftovers = run_query(
        "select table_name from duckdb_tables() where schema_name = '" ~ target.schema ~ "' and starts_with(table_name, '"
        ~ model.identifier ~ "__dbt_tmp')"
    ) if execute else [] -%}
    {%- for leftover in leftovers -%}
    drop table {{ target.schema }}.{{ leftover[0] }};
    {%- endfor -%}
{%- endmacro %}

{% macro snowflake__drop_leftovers(model) -%}
{%- endmacro %}
