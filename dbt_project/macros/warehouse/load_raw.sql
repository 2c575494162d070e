{#- Put what `hitparade load` wrote to stages, and copy it into the tables of raw: a whole load takes the place of the
    one before it. DuckDB reads the files in place. `code` is a fingerprint of the code, kept in ml.loaded_code.

        dbt run-operation load_raw --target snowflake --args '{folder: /files, code: 0123456789abcdef}'
-#}
{% macro load_raw(folder, code) -%}
    {{ return(adapter.dispatch('load_raw')(folder, code)) }}
{%- endmacro %}

{% macro duckdb__load_raw(folder, code) -%}
    {% do exceptions.raise_compiler_error("DuckDB reads the raw files in place: run `hitparade build`") %}
{%- endmacro %}

{% macro snowflake__load_raw(folder, code) -%}
    {%- for schema in ['raw', 'ml'] -%}
        {%- do run_query("create schema if not exists " ~ target.database ~ "." ~ schema) -%}
    {%- endfor -%}
    {%- for stage in [raw_stage(), code_stage(), models_stage()] -%}
        {%- do run_query("create stage if not exists " ~ stage) -%}
    {%- endfor -%}
    {%- do put_file(folder ~ '/' ~ code_file(), code_stage()) -%}
    {%- for table in graph.sources.values() if table.source_name == 'raw' -%}
        {%- set is_json = table.name == 'playlists' -%}
        {%- set file = table.name ~ ('.json.gz' if is_json else '.csv.gz') -%}
        {%- set relation = target.database ~ '.raw.' ~ table.name -%}
        {%- do put_file(folder ~ '/' ~ file, raw_stage()) -%}
        {#- Beside the table, which stands until the copy is whole. -#}
        {%- set copied = relation ~ '_copied' -%}
        {%- do run_query("create or replace transient table " ~ copied ~ " (" ~ raw_columns(table) ~ ")") -%}
        {%- do copy_json(copied, table, file) if is_json else copy_csv(copied, file) -%}
        {%- do run_query("create or replace transient table " ~ relation ~ " clone " ~ copied) -%}
        {%- do run_query("drop table " ~ copied) -%}
        {{ log("loaded " ~ run_query("select count(*) from " ~ relation).rows[0][0] ~ " rows of " ~ table.name, info=true) }}
    {%- endfor -%}
    {#- The last, for it says that all is there. -#}
    {%- do run_query(
        "create or replace table " ~ loaded_code() ~ " as select '" ~ code ~ "' as fingerprint, " ~ utc_now() ~ " as loaded_at"
    ) -%}
{%- endmacro %}
