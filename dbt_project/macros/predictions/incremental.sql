{#- Every row of a relation, scored by the champions. An incremental run scores only rows that are new, have
    changed inputs, or have a new champion. The columns of a task without champion are NULL.

    `columns` is a list of dictionaries: name, task, function, and for a function that is computed from the task's
    prediction, the hash of its SQL. -#}
{% macro predictions(relation, key, columns, condition='true') -%}
    {%- set tasks = columns | map(attribute='task') | unique | list -%}
    {%- set model_columns = [] -%}
    {%- for task in tasks -%}{%- do model_columns.append(task ~ '_model_id') -%}{%- endfor -%}
    with champions as (

        select
            {%- for task in tasks %}
            max(case when task = '{{ task }}' then model_id end) as {{ task }}_model_id
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        from {{ ref('champions') }}

    ),

    entities as (

        select
            *,
            {{ inputs_hash(tasks, columns | map(attribute='sql_hash', default='') | join) }} as inputs_hash
        from {{ relation }}
        where {{ condition }}

    )

    select
        entities.{{ key }},
        {%- for column in columns %}
        case
            when champions.{{ column.task }}_model_id is not null then {{ predicted(column.function, column.task, 'entities') }}
        end as {{ column.name }},
        {%- endfor %}
        {%- for task in tasks %}
        champions.{{ task }}_model_id,
        {%- endfor %}
        entities.inputs_hash,
        {{ utc_now() }} as predicted_at
    from entities
    cross join champions
    {%- if is_incremental() %}
    {{ not_predicted(key, 'entities', model_columns, columns=columns | map(attribute='name') | list) }}
    {%- endif %}
{%- endmacro %}

{#- The stored predictions of a task whose models are registered, as a complete model. -#}
{% macro registered_predictions(name) -%}
    {%- set task = registered_tasks()[name] -%}
    {%- do relation_of(name) -%}
    {{ config(
        enabled=has_sql_backend(),
        materialized='incremental',
        on_schema_change='append_new_columns',
        unique_key=task.key,
        incremental_strategy='delete+insert',
        post_hook="{{ delete_gone('" ~ task.key ~ "', relation_of('" ~ name ~ "')) }}"
    ) }}
    {%- if has_sql_backend() -%}
    {{ predictions(relation_of(name), task.key, [{'name': name, 'task': name, 'function': function('predict_' ~ name)}]) }}
    {%- endif -%}
{%- endmacro %}

{#- The tables of stored predictions, as pairs of task and table. -#}
{% macro tables_of_predictions() -%}
    {%- set found = [] -%}
    {%- for name, task in tasks().items() -%}
        {%- for table in task.predictions -%}{%- do found.append((name, table)) -%}{%- endfor -%}
    {%- endfor -%}
    {%- for name, task in registered_tasks().items() if has_sql_backend() -%}
        {%- for table in task.predictions -%}{%- do found.append((name, table)) -%}{%- endfor -%}
    {%- endfor -%}
    {%- do return(found) -%}
{%- endmacro %}

{#- The call of a function of a task for a row. -#}
{% macro predicted(function, task, row) -%}
    {%- if task in registered_tasks() -%}
    {{ function }}({{ row }}.{{ registered_arguments(task) | join(', ' ~ row ~ '.') }})
    {%- else -%}
    {{ by_row(function, task, row) }}
    {%- endif -%}
{%- endmacro %}

{#- The end of a query: keeps the rows without a stored prediction for these inputs and models. `rows` are joined to
    `champions`, which has the same model columns as the table. A table from before a task or a column was added lacks
    that column, so every row is kept. -#}
{% macro not_predicted(key, rows, models, is_hashed=true, columns=[]) -%}
    {%- set stored = adapter.get_columns_in_relation(this) | map(attribute='name') | map('lower') | list if execute else models -%}
    {%- if (models + columns) | reject('in', stored) | list | length == 0 %}
    left join {{ this }} as predicted
        on
            {{ rows }}.{{ key }} = predicted.{{ key }}
            {%- if is_hashed %}
            and {{ rows }}.inputs_hash = predicted.inputs_hash
            {%- endif %}
            {%- for model in models %}
            and champions.{{ model }} is not distinct from predicted.{{ model }}
            {%- endfor %}
    where predicted.{{ key }} is null
    {%- endif %}
{%- endmacro %}

{#- md5 of the encoded inputs of a row, and of the SQL that is computed from predictions. With the models, they
    determine what is stored. A one-hot group is hashed by the list that it is made from. -#}
{% macro inputs_hash(tasks, sql_hash='') -%}
    {%- set texts = [] -%}
    {%- for task in tasks -%}
        {%- if task in registered_tasks() -%}
            {#- as JSON, because a text may have any character, and NULL is not an empty text -#}
            {%- do texts.append('to_json([cast(' ~ registered_arguments(task) | join(' as varchar), cast(') ~ ' as varchar)])') -%}
        {%- else -%}
            {%- for input in encode(task) -%}
                {%- set text = input.name if input.vocabulary is defined else input.expression -%}
                {%- do texts.append(text) if text not in texts -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    md5(
        {%- if sql_hash %}
        '{{ sql_hash }}|' ||
        {%- endif %}
        {%- for text in texts %}
        coalesce(cast({{ text }} as varchar), '')
        {%- if not loop.last %} || '|' || {% endif -%}
        {% endfor %}
    )
{%- endmacro %}

{#- Deletes the predictions of rows that no longer exist. -#}
{% macro delete_gone(key, relation, condition='true') -%}
    delete from {{ this }}
    where {{ key }} not in (select {{ key }} from {{ relation }} where {{ key }} is not null and ({{ condition }}))
{%- endmacro %}

{#- Deletes the predictions of models that are not the champion. Otherwise rows that the champion does not score
    would keep an earlier champion's prediction. -#}
{% macro delete_of_others(task) -%}
    delete from {{ this }}
    where {{ task }}_model_id not in (select model_id from {{ ref('champions') }} where task = '{{ task }}')
{%- endmacro %}
