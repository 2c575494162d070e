{%- set rows = explanation_backgrounds() %}

-- depends_on: {{ ref('genres') }}
{% for task in tabular_tasks() -%}
{%- set entity = entities()[tasks()[task].entity] -%}
select
    '{{ task }}' as task,
    {{ encoded_list(task) }} as features,
    chosen.place
from (
    select
        *,
        row_number() over (
            order by md5(pair_key) asc nulls last, pair_key asc nulls last, {{ entity.key }} asc nulls last
        ) as place
    from {{ ref(entity.relation) }}
    where
        {{ has_all_inputs(task) }}
        and ({{ entity.examples }})
) as chosen
where chosen.place <= {{ rows }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
