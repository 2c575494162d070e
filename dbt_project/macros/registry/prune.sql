{#- Drop the bytes of unused models and keep their metadata. `keep` is the number of newest versions to keep for
    each algorithm. Champions, previous champions, models of stored predictions and models with a share of
    the traffic are never dropped.

        dbt run-operation prune --args '{keep: 3}'
-#}
{% macro prune(keep=3) -%}
    {% if keep is not integer or keep < 1 %}
        {% do exceptions.raise_compiler_error("keep must be a whole number of at least 1, got " ~ keep) %}
    {% endif %}
    {% set pruned = run_query(
        "select count(*), coalesce(sum(onnx_bytes), 0) from ml.prunable_models where newer_versions >= " ~ keep
    ).rows[0] %}
    {#- Outside the transaction, because creating or dropping a table ends it in some warehouses. -#}
    {% do run_query(
        "create temporary table pruned as select * from ml.prunable_models where newer_versions >= " ~ keep
    ) %}
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

{#- The tables that hold models. -#}
{% macro registry_tables() -%}
    {% set tables = ['registered_models'] %}
    {% for task in tasks() %}
        {% do tables.append('train_' ~ task) %}
    {% endfor %}
    {% do return(tables) %}
{%- endmacro %}
