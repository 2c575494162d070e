{{ config(enabled=has_sql_backend()) }}

-- A Shapley value is a weighted sum of the model's scores for mixed songs. A mixed song has some inputs of
-- the explained song and the others of a background song. The mixes and weights are the same for every
-- prediction, so they are computed once. For few arguments the mixes are all coalitions (Shapley, 1953). For
-- more they are walks from a background song to the explained one, in an order by hash and in the reverse
-- order (Castro et al., 2009; Mitchell et al., 2022).
{% for task in tabular_tasks() -%}
{%- set names = argument_names(task) -%}
{%- set count = names | length -%}
select
    '{{ task }}' as task,
    ['average', {{ quoted(names) }}] as terms,
    mixes.background,
    list_transform(
        range(1, len(mixes.background) + 1),
        lambda i: mixes.own[{{ argument_places(task) }}[least(i, {{ encode(task) | length }})]]
    ) as is_own,
    mixes.weights
from (
    {% if count <= most_exact_arguments() -%}
    {{ coalitions(task, count) }}
    {%- else -%}
    {{ walks(task, count) }}
    {%- endif %}
) as mixes
{% if not loop.last %}union all{% endif %}
{% endfor %}
