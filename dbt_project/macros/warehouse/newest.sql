{#- The model_id of the newest version of an algorithm, by default of the one that a function was given by name. -#}
{% macro newest(task, algorithm='algorithm') -%}
    {{ return(adapter.dispatch('newest')(task, algorithm)) }}
{%- endmacro %}

{#- `__served` is the only column in scope, see `served`; it has no parameters, which take long to read. -#}
{% macro duckdb__newest(task, algorithm) -%}
    coalesce(
        (
            select max(__served.model_id)
            from (
                select struct_pack(
                    model_id := served.model_id,
                    task := served.task,
                    algorithm := served.algorithm,
                    is_newest := served.is_newest
                ) as __served
                from ml.served_models as served
            )
            where __served.is_newest and __served.task = '{{ task }}' and __served.algorithm = {{ algorithm }}
        ),
        'task {{ task }} has no model by ' || coalesce({{ algorithm }}, 'NULL')
    )
{%- endmacro %}

{#- In words, see `champion`. -#}
{% macro snowflake__newest(task, algorithm) -%}
    '{{ task }} by ' || coalesce({{ algorithm }}, 'NULL')
{%- endmacro %}
