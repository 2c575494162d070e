{#- Both forms of a typed function: by arguments, `f(a, b)`, and by row, `f(t)`. The call block says
    what to do with the encoded inputs. `leading` is an argument that stands before them.

        {% call(inputs) overloads('hit') %}
            onnx_predict({{ champion('hit') }}, {{ inputs }})[2]
        {% endcall %}
-#}
{% macro overloads(task, leading=none) -%}
    {%- set names = argument_names(task) -%}
    {%- set leading = [leading] if leading else [] -%}
    ({{ (leading + names) | join(', ') }}) as {{ caller(encoded_list(task)) }},
    ({{ (leading + ['t']) | join(', ') }}) as {{ caller(encoded_list(task, 't.')) }}
{%- endmacro %}

{#- Both forms of a task's check: its features, and the members of its blocks that no one knows. -#}
{% macro check_overloads(task) -%}
    ({{ argument_names(task) | join(', ') }}) as {{ check(task, '') }},
    (t) as {{ check(task, 't.') }}
{%- endmacro %}

{% macro check(task, row) -%}
    {%- set findings = ['check_features(' ~ champion(task) ~ ', ' ~ encoded_list(task, row) ~ ')'] -%}
    {%- for input in encode(task, row) | selectattr('block', 'defined') -%}
        {%- do findings.append(unknown_members(input.name, input.block, row)) -%}
    {%- endfor -%}
    {{ concatenated(findings) }}
{%- endmacro %}

{#- The label with the largest score. -#}
{% macro likeliest(labels, scores) -%}
    list_transform([{{ scores }}], lambda s: [{{ quoted(labels) }}][list_position(s, list_max(s))])[1]
{%- endmacro %}

{#- Texts as literals of SQL. -#}
{% macro quoted(texts) -%}
    {%- for text in texts %}'{{ escape_single_quotes(text) }}'{% if not loop.last %}, {% endif %}{% endfor -%}
{%- endmacro %}

{#- The scores as a struct by label. -#}
{% macro by_label(labels, scores) -%}
    list_transform(
        [{{ scores }}],
        lambda s: case when s is not null then struct_pack(
            {%- for label in labels %}"{{ label | replace('"', '""') }}" := s[{{ loop.index }}]{% if not loop.last %}, {% endif %}{% endfor -%}
        ) end
    )[1]
{%- endmacro %}

{#- The champion's model_id, read inside the query and therefore in its own transaction. Where there
    is none, its place is taken by words that no model_id can be: onnx_predict raises with them. -#}
{% macro champion(task) -%}
    coalesce(
        (
            select max(__champion.model_id)
            from ml.champions as __champion
            where __champion.task = '{{ task }}'
        ),
        'task {{ task }} has no champion'
    )
{%- endmacro %}

{#- The model_id of the newest version of an algorithm, by default of the one that a function was given by name.
    `__served` is the only column in scope, see `served`; it has no parameters, which take long to read. -#}
{% macro newest(task, algorithm='algorithm') -%}
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

{#- Both forms of a function whose inputs are numbers as they stand, of a model that was registered. A function
    of one input has no form by row: `f(x)` and `f(t)` would be the same.

        {% call(inputs) number_overloads(['energy', 'valence']) %}
            onnx_predict({{ champion('mood') }}, {{ inputs }})[1]
        {% endcall %}
-#}
{% macro number_overloads(names) -%}
    ({{ names | join(', ') }}) as {{ caller('[' ~ numbers(names, '') | map(attribute='expression') | join(', ') ~ ']') }}
    {%- if names | length > 1 %},
    (t) as {{ caller('[' ~ numbers(names, 't.') | map(attribute='expression') | join(', ') ~ ']') }}
    {%- endif %}
{%- endmacro %}
