{{ config(enabled=has_sql_backend()) }}

-- Shapley values weigh what a model says of mixed songs, part the song that is explained, part one of the
-- background. What to mix and the weights are the same for every prediction, so they are made once. Of few
-- arguments these are all coalitions (Shapley, 1953); of more, walks from a song of the background to the one
-- explained, in an order by hash and in the reverse one (Castro et al., 2009; Mitchell et al., 2022).
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
