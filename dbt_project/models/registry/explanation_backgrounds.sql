{{ config(materialized='table') }}

{%- set rows = most_background_rows() %}

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
{%- if has_sql_backend() and registered_tasks() %}
union all
-- The examples of a registered model are in random order.
select
    kept.task,
    kept.features,
    kept.place
from (
    select
        registry.task,
        unnest(registry.examples) as features,
        generate_subscripts(registry.examples, 1) as place
    from {{ ref('registry') }} as registry
    inner join {{ ref('champions') }} as champions
        on registry.task = champions.task and registry.model_id = champions.model_id
    where registry.task in ({{ quoted(registered_tasks() | list) }})
    -- A model with the same bytes may have several versions.
    qualify row_number() over (partition by registry.task order by registry.version desc nulls last) = 1
) as kept
where kept.place <= {{ rows }}
{%- endif %}
