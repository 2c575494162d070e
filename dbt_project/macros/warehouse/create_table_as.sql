{#- The table that dbt-duckdb makes of a model; but where the model says `tmp_relation_type: view`, as dbt-snowflake
    calls it, the new rows of an incremental run come from a view. A temporary table would hold all of them
    in memory, uncompressed. Only for a model that does not read itself. -#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if temporary and config.get('meta', {}).get('tmp_relation_type') == 'view' -%}
        create temporary view {{ relation.include(database=false, schema=false) }} as (
            {{ compiled_code }}
        );
    {%- else -%}
        {{ dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by) }}
    {%- endif -%}
{%- endmacro %}
