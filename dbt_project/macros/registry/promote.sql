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

        dbt run-operation promote --args '{task: hit, model_id: 0123456789ab}'
-#}
{% macro promote(task, model_id, reason='by hand') -%}
    {% set names = encode(task) | map(attribute='name') | list %}
    {% set model = run_query(
        "select [input.name for input in inputs] as names from ml.model_versions "
        ~ "where task = '" ~ task ~ "' and model_id = '" ~ model_id ~ "' limit 1"
    ) %}
    {% if not execute %}
    {% elif model.rows | length == 0 %}
        {% do exceptions.raise_compiler_error(
            "task " ~ task ~ " has no model " ~ model_id
            ~ ": see select model_id, task, algorithm from ml.model_versions"
        ) %}
    {% elif model.rows[0]['names'] | list != names %}
        {% do exceptions.raise_compiler_error(
            "model " ~ model_id ~ " takes " ~ model.rows[0]['names'] | join(', ')
            ~ ", but the functions of task " ~ task ~ " give " ~ names | join(', ')
            ~ ": promote a model with these inputs"
        ) %}
    {% else %}
        {% call statement('promote') %}
            begin;
            insert into ml.promotions
            values ({{ utc_now() }}, '{{ task }}', '{{ model_id }}', '{{ reason }}', true, true);
            {{ renew_served_models() }}
            commit;
        {% endcall %}
        {{ log("task " ~ task ~ ": champion is now " ~ model_id, info=true) }}
    {% endif %}
{%- endmacro %}
