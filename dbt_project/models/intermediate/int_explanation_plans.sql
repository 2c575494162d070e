{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('genres') }}

-- A Shapley value is a weighted sum of the model's scores for mixed songs. A mixed song has some inputs of
-- the explained song and the others of a background song. The mixes and weights are the same for every
-- prediction, so they are computed once. For few arguments the mixes are all coalitions (Shapley, 1953). For
-- more they follow permutations of the arguments, an order by hash and its reverse (Castro et al., 2009;
-- Mitchell et al., 2022). The mixes are numbered: a sum of floating-point numbers depends on the order.
with plans as (

    {% for task in tabular_tasks() -%}
    {%- set names = argument_names(task) -%}
    {%- set count = names | length -%}
    select
        '{{ task }}' as task,
        any_value({{ encoded_names(task) }}) as input_names,
        ['average', {{ quoted(names) }}] as terms,
        list(
            struct_pack(
                background := mixes.background,
                is_own := list_transform(
                    range(1, len(mixes.background) + 1),
                    lambda i: mixes.own[{{ argument_places(task) }}[least(i, {{ encode(task) | length }})]]
                )
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
