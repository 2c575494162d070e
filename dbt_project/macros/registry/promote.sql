{#- Promote and retire champions as `ml.challengers` decides, and serve the result, in one transaction. A
    row without model_id means that the task has no champion from then on. -#}
{% macro promote_challengers() -%}
    {{ begin_hook() }}
    insert into ml.promotions
    select
        {{ next_promotion_at() }} as promoted_at,
        task,
        case decision when 'promote' then model_id end as model_id,
        reason,
        false as is_manual,
        false as is_pinned
    from ml.challengers
    where decision in ('promote', 'retire');
    {{ renew_served_models() }}
    {{ commit_hook() }}
{%- endmacro %}

{#- Promote a model by hand and pin its task, so that the promotion rule does not change it.

        dbt run-operation promote --args '{task: hit, model_id: "0123456789ab"}'
-#}
{% macro promote(task, model_id, reason='by hand') -%}
    {% set refusals = run_query(
        "select refusal from ml.promotable_models where task = '" ~ escape_single_quotes(task)
        ~ "' and model_id = '" ~ escape_single_quotes(model_id) ~ "'"
    ).columns[0].values() %}
    {% if refusals | length == 0 %}
        {% do exceptions.raise_compiler_error(
            "task " ~ task ~ " has no model " ~ model_id
            ~ ": see select model_id, task, algorithm from ml.model_versions"
        ) %}
    {% elif refusals[0] is not none %}
        {% do exceptions.raise_compiler_error(refusals[0]) %}
    {% endif %}
    {% do check_vocabulary(task, model_id) %}
    {{ record_promotion(task, model_id, reason, is_pinned=true) }}
    {{ log("task " ~ task ~ ": champion is now " ~ model_id, info=true) }}
    {% for stale in run_query(
        "select table_name, row_count from ml.stale_predictions where task = '" ~ escape_single_quotes(task) ~ "'"
    ) %}
        {{ log(stale[1] ~ " rows of " ~ stale[0] ~ " are stale, because another model scored them: "
            ~ "dbt build --select " ~ stale[0] ~ "+ scores them again", info=true) }}
    {% endfor %}
    {% if has_sql_backend() and run_query(
        "select model_id from ml.served_models where kind is null and model_id = '"
        ~ escape_single_quotes(model_id) ~ "'"
    ).rows | length %}
        {{ log("model " ~ model_id ~ " has no SQL form: the functions of its task need ONNX Runtime, so call "
            ~ "udfs.register(connection) first", info=true) }}
    {% endif %}
{%- endmacro %}

{#- Promote the previous champion and pin the task. A second rollback undoes the first.

        dbt run-operation rollback --args '{task: hit}'
-#}
{% macro rollback(task) -%}
    {{ promote(task, champion_in('previous_champions', task, 'no earlier champion'), 'rolled back') }}
{%- endmacro %}

{#- Keep the champion of a task until the task is unpinned.

        dbt run-operation pin --args '{task: hit}'
-#}
{% macro pin(task) -%}
    {{ record_promotion(task, champion_in('champions', task, 'no champion'), 'pinned', is_pinned=true) }}
    {{ log("task " ~ task ~ ": keeps its champion until it is unpinned", info=true) }}
{%- endmacro %}

{#- Let the promotion rule choose the champion again, from the next build on.

        dbt run-operation unpin --args '{task: hit}'
-#}
{% macro unpin(task) -%}
    {{ record_promotion(task, champion_in('champions', task, 'no champion'), 'unpinned', is_pinned=false) }}
    {{ log("task " ~ task ~ ": the rule chooses its champion again", info=true) }}
{%- endmacro %}

{#- The model that a registry view names for a task. Raises an error if there is none. -#}
{% macro champion_in(view, task, absent) -%}
    {% set found = run_query(
        "select model_id from ml." ~ view ~ " where task = '" ~ escape_single_quotes(task) ~ "'"
    ).columns[0].values() %}
    {% if found | length == 0 %}
        {% do exceptions.raise_compiler_error(
            "task " ~ task ~ " has " ~ absent ~ ": see select * from ml.promotions"
        ) %}
    {% endif %}
    {% do return(found[0]) %}
{%- endmacro %}

{#- Record a manual promotion and serve the model, in one transaction. -#}
{% macro record_promotion(task, model_id, reason, is_pinned) -%}
    {% do run_query("begin") %}
    {% do run_query(insert_promotion(task, model_id, reason, is_pinned)) %}
    {% do run_query(renew_served_models()) %}
    {% do renew_functions() %}
    {% do run_query("commit") %}
{%- endmacro %}
