{#- Promote and retire by rule what `ml.challengers` says, and serve it, in one transaction. A row
    without model_id says that the task has no champion from then on. -#}
{% macro promote_challengers() -%}
    insert into ml.promotions
    select
        {{ utc_now() }} as promoted_at,
        task,
        case decision when 'promote' then model_id end as model_id,
        reason,
        false as is_manual,
        false as is_pinned
    from ml.challengers
    where decision in ('promote', 'retire');
    {{ renew_served_models() }}
{%- endmacro %}

{#- Promote a model by hand. The task stays pinned: the rule leaves it alone.

        dbt run-operation promote --args '{task: hit, model_id: "0123456789ab"}'
-#}
{% macro promote(task, model_id, reason='by hand') -%}
    {% do encode(task) %}
    {% set found = run_query(
        "select " ~ fits_functions('task', 'inputs') ~ ", array_to_string([input.name for input in inputs], ', ') "
        ~ "from ml.model_versions "
        ~ "where task = '" ~ task ~ "' and model_id = '" ~ escape_single_quotes(model_id) ~ "'"
    ).rows %}
    {% if found | length == 0 %}
        {% do exceptions.raise_compiler_error(
            "task " ~ task ~ " has no model " ~ model_id
            ~ ": see select model_id, task, algorithm from ml.model_versions"
        ) %}
    {% elif not found[0][0] %}
        {% do exceptions.raise_compiler_error(
            "model " ~ model_id ~ " takes " ~ found[0][1] ~ ", but the functions of task " ~ task
            ~ " give " ~ encode(task) | map(attribute='name') | join(', ')
            ~ ": promote a model with these inputs"
        ) %}
    {% endif %}
    {{ record_promotion(task, model_id, reason, is_pinned=true) }}
    {{ log("task " ~ task ~ ": champion is now " ~ model_id ~ "; dbt build scores all rows again", info=true) }}
{%- endmacro %}

{#- Let the rule choose the champion again, from the next training on.

        dbt run-operation unpin --args '{task: hit}'
-#}
{% macro unpin(task) -%}
    {% do encode(task) %}
    {% set champions = run_query(
        "select model_id from ml.champions where task = '" ~ task ~ "'"
    ).columns[0].values() %}
    {% if champions | length == 0 %}
        {% do exceptions.raise_compiler_error("task " ~ task ~ " has no champion, so no pin: run dbt build") %}
    {% endif %}
    {{ record_promotion(task, champions[0], 'unpinned', is_pinned=false) }}
    {{ log("task " ~ task ~ ": the rule chooses its champion again", info=true) }}
{%- endmacro %}

{#- Write a promotion by hand and serve it, in one transaction. -#}
{% macro record_promotion(task, model_id, reason, is_pinned) -%}
    {% do run_query("begin") %}
    {% do run_query(
        "insert into ml.promotions values (" ~ utc_now() ~ ", '" ~ task ~ "', '" ~ model_id ~ "', '"
        ~ escape_single_quotes(reason) ~ "', true, " ~ is_pinned ~ ")"
    ) %}
    {% do run_query(renew_served_models()) %}
    {% do run_query("commit") %}
{%- endmacro %}
