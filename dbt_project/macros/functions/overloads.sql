{#- Both forms of a typed function: by arguments, `f(a, b)`, and by row, `f(t)`. The call block says
    what to do with the encoded inputs. `leading` is an argument that stands before them.

        {% call(inputs) overloads('hit') %}
            onnx_predict({{ champion('hit') }}, {{ inputs }})[2]
        {% endcall %}
-#}
{% macro overloads(task, leading=none) -%}
    {%- set names = input_names(task) -%}
    {%- set leading = [leading] if leading else [] -%}
    ({{ (leading + names) | join(', ') }}) as {{ caller(encoded_list(task)) }},
    ({{ (leading + ['t']) | join(', ') }}) as {{ caller(encoded_list(task, 't.')) }}
{%- endmacro %}

{#- The champion's model_id, read inside the query and therefore in its own transaction. Where there
    is none, its place is taken by words that no model_id can be: onnx_predict raises with them. -#}
{% macro champion(task) -%}
    coalesce(
        (
            select max(__champion.model_id)
            from (select champion as __champion from ml.champions as champion)
            where __champion.task = '{{ task }}'
        ),
        'task {{ task }} has no champion'
    )
{%- endmacro %}

{#- The model_id of the newest version of the algorithm that a function was given by name. -#}
{% macro newest(task) -%}
    coalesce(
        (
            select max(__served.model_id)
            from (select served as __served from ml.served_models as served)
            where __served.is_newest and __served.task = '{{ task }}' and __served.algorithm = algorithm
        ),
        'task {{ task }} has no model by ' || coalesce(algorithm, 'NULL')
    )
{%- endmacro %}
