{#- What a row's predictions depend on beside the model: md5 of the encoded inputs of these tasks. -#}
{% macro inputs_hash(tasks, row) -%}
    {%- set texts = [] -%}
    {%- for task in tasks -%}
        {%- for input in encode(task, row) -%}
            {%- do texts.append("coalesce(cast(" ~ input.expression ~ " as varchar), '')") -%}
        {%- endfor -%}
    {%- endfor -%}
    md5({{ texts | join(" || '|' || ") }})
{%- endmacro %}

{#- Predictions of rows that are no longer there, or by a model that is no longer the champion: a
    task whose champion was retired has none. Run it after new ones were written. -#}
{% macro delete_stale(key, relation, task, condition='true') -%}
    delete from {{ this }}
    where
        {{ key }} not in (select {{ key }} from {{ relation }} where {{ condition }})
        or {{ task }}_model_id not in (select model_id from ml.champions where task = '{{ task }}')
{%- endmacro %}
