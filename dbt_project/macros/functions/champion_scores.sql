{#- The SQL of a champion's scores, as text, for the functions of its task: see docs/decisions/0025-forms-of-champions.md.
    `served` is the alias of ml.served_models. `inputs` is a list of the encoded inputs one by one, and `arguments` are those
    of onnx_predict after the id; both are expressions of SQL texts. The fast forms need all inputs. -#}
{% macro champion_scores(served, inputs, arguments) -%}
    {%- set is_float -%} {{ served }}.inputs[1].type <> 'float64' {%- endset -%}
    case
        when {{ served }}.kind = 'linear' and len({{ inputs }}) = len({{ served }}.inputs)
            and len({{ served }}.inputs) * len({{ served }}.layers[1].weights) <= 32
            and not {{ takes_missing(served) }}
            then {{ linear_scores(served, inputs) }}
        else case
            when {{ served }}.kind = 'steps' then 'onnx_predict_steps'
            when {{ takes_missing(served) }} then 'onnx_predict'
            when {{ served }}.kind in ('linear', 'net') and {{ is_float }} then 'onnx_predict_net'
            when {{ served }}.kind = 'trees' and {{ served }}.depth <= 3 then 'onnx_predict_trees_3'
            when {{ served }}.kind = 'trees' and {{ served }}.depth <= 6 then 'onnx_predict_trees_6'
            else 'onnx_predict'
        end || '(' || {{ text_as_sql(served ~ '.model_id') }} || ', ' || {{ arguments }} || ')'
    end
{%- endmacro %}

{% macro takes_missing(served) -%}
    coalesce(list_contains(list_transform({{ served }}.inputs, lambda input: input.takes_missing), true), false)
{%- endmacro %}

{#- The SQL of the error of a task without champion. It has the arguments, so that DuckDB raises it only where a row is
    scored. -#}
{% macro no_champion_scores(task, arguments) -%}
    'onnx_predict(' || {{ text_as_sql("'task ' || " ~ task ~ " || ' has no champion'") }} || ', ' || {{ arguments }} || ')'
{%- endmacro %}

{#- A linear model as one expression. The engine evaluates it faster than any other form, so both backends use it. -#}
{% macro linear_scores(served, inputs) -%}
    '(case when ' || array_to_string(
        list_transform({{ inputs }}, lambda input: {{ is_usable_text('input') }}), ' and '
    ) || ' then list_transform([[' || array_to_string(
        list_transform(
            {{ served }}.layers[1].weights,
            lambda weights, k: {{ number_as_sql(served ~ '.layers[1].intercepts[k]') }} || array_to_string(
                list_transform(
                    {{ inputs }},
                    lambda input, i: ' + ' || {{ number_as_sql('weights[i]') }} || ' * cast('
                    || case
                        when {{ served }}.inputs[1].type = 'float64' then input
                        else 'try_cast(' || input || ' as float)'
                    end || ' as double)'
                ),
                ''
            )
        ),
        ', '
    ) || ']], lambda s: ' || {{ answer_text(served ~ '.transform') }} || ')[1] end)'
{%- endmacro %}

{% macro is_usable_text(input) -%}
    'abs(try_cast(' || {{ input }} || ' as float)) <= 1e15'
{%- endmacro %}

{#- A number as a SQL literal of a double. -#}
{% macro number_as_sql(number) -%}
    printf('%.17e', {{ number }})
{%- endmacro %}

{#- The arguments of onnx_predict for a task, after the id. A one-hot group is passed as the strings that the row has and
    the members that the model knows, which need less time than a list of numbers. -#}
{% macro encoded_arguments(task, row) -%}
    {%- set groups = encode(task, row) | selectattr('vocabulary', 'defined') | list -%}
    {%- if groups | length == 1 -%}
        {%- set numbers = encode(task, row) | rejectattr('vocabulary', 'defined') | map(attribute='expression') -%}
        [{{ numbers | join(', ') }}], {{ genre_names(row ~ groups[0].name) }}, [{{ groups[0].name }}_text of {{ task }}]
    {%- else -%}
        {{ encoded_list(task, row) }}
    {%- endif -%}
{%- endmacro %}

{#- A further form of a function of models: `numbers` are the inputs before the one-hot group, `members` are the strings
    that the row has, and `known` are the members of the group, with `;` between them. -#}
{% macro form_by_members(name) -%}
    (model_id, numbers, members, known) as
    {{ name }}(model_id, array_cat(numbers, {{ member_numbers('members', "string_split(known, ';')") }}))
{%- endmacro %}

{#- The scores of a model of one kind, for the function `name`. The query reads only its `columns`, and has nothing for
    other kinds, so it is planned in half of the time of `onnx_predict`. `scores` are the raw scores of the model o.model
    for the inputs o.x, `lacks` says whether one of these is missing, and `condition` is that of the kind in
    ml.served_models. -#}
{% macro scored_by_kind(name, condition, columns, scores, lacks='len(list_filter(o.x, lambda v: isnan(v))) > 0') -%}
    list_transform(
        [struct_pack(
            id := model_id,
            model := (
                select any_value(__model)
                from (
                    select
                        served.model_id as __model_id,
                        struct_pack(
                            transform := served.transform,
                            width := len(served.inputs),
                            {%- for column in columns %}
                            {{ column }} := served.{{ column }}{% if not loop.last %},{% endif %}
                            {%- endfor %}
                        ) as __model
                    from ml.served_models as served
                    where {{ condition }}
                )
                where __model_id = model_id
            ),
            {%- if 'inputs' in columns %}
            features := cast(features as double[]),
            {%- endif %}
            x := {{ usable('features') }}
        )],
        lambda o: case
            when o.model is null
                then {{ raise_error(
                    "'" ~ name ~ ": no model ' || coalesce(o.id, 'NULL') || ' of this kind is served: call onnx_predict'",
                    'double[]'
                ) }}
            when len(o.x) <> o.model.width then {{ wrong_width('o.id', 'o.model.width', 'o.x', 'double[]') }}
            when o.x is null or {{ lacks }} then null
            else {{ finite(transformed('o.model', scores)) }}
        end
    )[1]
{%- endmacro %}

{#- The raw scores of trees of at most `levels` levels. A list of the nodes that all trees have reached is made for each
    level. That takes less than half of the time of a walk down each tree, as in `tree_scores`. A leaf is below itself, so
    further levels change nothing. -#}
{% macro tree_scores_by_level(model, x, levels) -%}
    {%- set reached = namespace(nodes=model ~ '.roots') -%}
    {%- for _ in range(levels) -%}
        {%- set reached.nodes = 'list_transform(' ~ reached.nodes ~ ', lambda node: ' ~ next_node(model, x) ~ ')' -%}
    {%- endfor -%}
    list_transform([{{ reached.nodes }}], lambda reached: {{ leaf_sums(model) }})[1]
{%- endmacro %}

{#- The body of `onnx_predict_trees_<levels>`. -#}
{% macro scored_trees(levels) -%}
    {{ scored_by_kind(
        'onnx_predict_trees_' ~ levels,
        "served.kind = 'trees' and served.depth <= " ~ levels,
        ['roots', 'features', 'thresholds', 'next', 'leaves', 'intercepts'],
        tree_scores_by_level('o.model', 'o.x', levels)
    ) }}
{%- endmacro %}
