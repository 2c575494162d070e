{#- The champion's model_id of a task, as a function asks for it. -#}
{% macro champion(task) -%}
    {{ return(adapter.dispatch('champion')(task)) }}
{%- endmacro %}

{#- Read inside the query and therefore in its own transaction. Where there is none, its place is taken by words that
    no model_id can be: onnx_predict raises with them. -#}
{% macro duckdb__champion(task) -%}
    coalesce(
        (
            select max(__champion.model_id)
            from ml.champions as __champion
            where __champion.task = '{{ task }}'
        ),
        'task {{ task }} has no champion'
    )
{%- endmacro %}

{#- In words, which `onnx_predict` and the like know the model of: they are made anew with every promotion. -#}
{% macro snowflake__champion(task) -%}
    'champion of {{ task }}'
{%- endmacro %}
