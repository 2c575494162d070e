{{ config(enabled=has_sql_backend(), materialized='table') }}

-- depends_on: {{ ref('genres') }}

-- A Shapley value is a weighted sum of the model's scores for mixed songs. A mixed song has some inputs of
-- the explained song and the others of a background song. The mixes and weights are the same for every
-- prediction, so they are computed once. For few arguments the mixes are all coalitions (Shapley, 1953). For
-- more they follow permutations of the arguments, an order by hash and its reverse (Castro et al., 2009;
-- Mitchell et al., 2022). The mixes are numbered: a sum of floating-point numbers depends on the order.
with encoded as (

    {% for task in explained_tasks() -%}
    {{ encoded_inputs(task) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

plans as (

    {% for task, names in explained_tasks().items() -%}
    {%- set count = names | length -%}
    select
        '{{ task }}' as task,
        any_value(encoded.input_names) as input_names,
        ['average', {{ quoted(names) }}] as terms,
        list(
            struct_pack(
                background := mixes.background,
                is_own := list_transform(encoded.places, lambda place: mixes.own[place])
            )
            order by mixes.number asc nulls last
        ) as mixes,
        list(mixes.weights order by mixes.number asc nulls last) as weights_of_mixes
    from (
        {% if count <= most_exact_arguments() -%}
        {{ coalitions(task, count) }}
        {%- else -%}
        {{ permutations(task, count) }}
        {%- endif %}
    ) as mixes
    inner join encoded
        on encoded.task = '{{ task }}'
    having count(*) > 0
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

weighed as (

    select
        task,
        input_names,
        terms,
        mixes,
        list_transform(
            range(1, len(terms) + 1),
            lambda i: list_transform(weights_of_mixes, lambda weights: cast(weights[i] as double))
        ) as weights
    from plans

)

select
    task,
    input_names,
    md5(
        cast(input_names as varchar)
        || cast(terms as varchar)
        || cast(mixes as varchar)
        || cast(weights as varchar)
    ) as plan_id,
    terms,
    mixes,
    weights
from weighed
