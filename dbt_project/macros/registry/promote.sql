{#- Promote by rule what `ml.challengers` says, and serve it, in one transaction. -#}
{% macro promote_challengers() -%}
    insert into ml.promotions
    select
        {{ utc_now() }} as promoted_at,
        task,
        model_id,
        reason,
        false as is_manual,
        false as is_pinned
    from ml.challengers
    where decision = 'promote';
    {{ renew_served_models() }}
{%- endmacro %}

{#- Promote a model by hand. The task stays pinned: the rule leaves it alone.

        dbt run-operation promote --args '{task: hit, model_id: "0123456789ab"}'
-#}
{% macro promote(task, model_id, reason='by hand') -%}
    {% set needed = encode(task) | map(attribute='name') | join(', ') %}
    {% set found = run_query(
        "select array_to_string([input.name for input in inputs], ', ') from ml.model_versions "
        ~ "where task = '" ~ task ~ "' and model_id = '" ~ model_id ~ "'"
    ).columns[0].values() %}
    {% if found | length == 0 %}
        {% do exceptions.raise_compiler_error(
            "task " ~ task ~ " has no model " ~ model_id
            ~ ": see select model_id, task, algorithm from ml.model_versions"
        ) %}
    {% elif found[0] != needed %}
        {% do exceptions.raise_compiler_error(
            "model " ~ model_id ~ " takes " ~ found[0] ~ ", but the functions of task " ~ task
            ~ " give " ~ needed ~ ": promote a model with these inputs"
        ) %}
    {% endif %}
    {{ record_promotion("'" ~ model_id ~ "'", task, reason, is_pinned=true) }}
    {{ log("task " ~ task ~ ": champion is now " ~ model_id ~ "; dbt build scores all rows again", info=true) }}
{%- endmacro %}

{#- Let the rule choose the champion again, from the next build on.

        dbt run-operation unpin --args '{task: hit}'
-#}
{% macro unpin(task) -%}
    {{ record_promotion('model_id', task, 'unpinned', is_pinned=false) }}
    {{ log("task " ~ task ~ ": the rule chooses its champion again", info=true) }}
{%- endmacro %}

{#- Write a promotion by hand and serve it, in one transaction. `model_id` is an expression over the
    task's present champion. -#}
{% macro record_promotion(model_id, task, reason, is_pinned) -%}
    {% do run_query("begin") %}
    {% do run_query(
        "insert into ml.promotions select " ~ utc_now() ~ ", '" ~ task ~ "', " ~ model_id ~ ", '"
        ~ escape_single_quotes(reason) ~ "', true, " ~ is_pinned
        ~ " from (select max(model_id) as model_id from ml.champions where task = '" ~ task ~ "')"
    ) %}
    {% do run_query(renew_served_models()) %}
    {% do run_query("commit") %}
{%- endmacro %}
