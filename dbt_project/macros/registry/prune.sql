{#- Drop the bytes of unused models and keep their metadata. `keep` is the number of newest versions to keep for
    each algorithm. Champions, previous champions, models with a share of the traffic, and models that a table outside of
    schema `ml` names are never dropped.

        dbt run-operation prune --args '{keep: 3}'
-#}
{% macro prune(keep=3) -%}
    {% if keep is not integer or keep < 1 %}
        {% do exceptions.raise_compiler_error("keep must be a whole number of at least 1, got " ~ keep) %}
    {% endif %}
    {#- Outside the transaction, because creating or dropping a table ends it in some warehouses. -#}
    {% do run_query(
        "create temporary table pruned as select * from ml.prunable_models where newer_versions >= " ~ keep
    ) %}
    {% for table in run_query(tables_with_models()).rows %}
        {% do run_query(
            'delete from pruned where model_id in (select "' ~ table[2] ~ '" from "' ~ table[0] ~ '"."' ~ table[1] ~ '")'
        ) %}
    {% endfor %}
    {% set pruned = run_query("select count(*), coalesce(sum(onnx_bytes), 0) from pruned").rows[0] %}
    {% do run_query("begin") %}
    {% for table in registry_tables() %}
        {% do run_query(
            "update ml." ~ table ~ " set onnx = null, portable = null, pruned_at = " ~ utc_now()
            ~ " where (task, algorithm, version, model_id) in (select task, algorithm, version, model_id"
            ~ " from pruned where (origin = 'registered') = " ~ (table == 'registered_models') ~ ")"
        ) %}
    {% endfor %}
    {% do run_query(renew_served_models()) %}
    {% do renew_functions() %}
    {% do run_query("commit") %}
    {% do run_query("drop table pruned") %}
    {% do remove_graphs() %}
    {{ log(pruned[0] ~ " models pruned, " ~ pruned[1] ~ " bytes", info=true) }}
{%- endmacro %}

{#- The tables outside of schema `ml` with a column that may name models: the user's may have predictions of any.
    Reports (rpt_*) only tell of models. -#}
{% macro tables_with_models() -%}
    select
        columns.table_schema,
        columns.table_name,
        columns.column_name
    from information_schema.columns as columns
    inner join information_schema.tables as tables
        on
            columns.table_catalog = tables.table_catalog
            and columns.table_schema = tables.table_schema
            and columns.table_name = tables.table_name
    where
        columns.table_catalog = current_database()
        and tables.table_type = 'BASE TABLE'
        and lower(columns.table_schema) <> 'ml'
        and substr(lower(columns.table_name), 1, 4) <> 'rpt_'
        and lower(columns.table_name) <> 'pruned'
        and lower(columns.column_name) like '%model_id'
        and lower(columns.data_type) in ('varchar', 'text')
{%- endmacro %}

{#- The tables that hold models. -#}
{% macro registry_tables() -%}
    {% set tables = ['registered_models'] %}
    {% for task in tasks() %}
        {% do tables.append('train_' ~ task) %}
    {% endfor %}
    {% do return(tables) %}
{%- endmacro %}
