{{ config(enabled=has_sql_backend()) }}

-- A promotion reads this view, so no build may replace it at the same time.
-- depends_on: {{ ref('genres') }}, {{ ref('challengers') }}
with vocabularies as (

    select
        task,
        split_part(name, '=', 1) as input,
        list(substr(name, strpos(name, '=') + 1) order by place asc nulls last) as members
    from (
        select
            champions.task,
            struct_extract(unnest(any_value(registry.inputs)), 'name') as name,
            generate_subscripts(any_value(registry.inputs), 1) as place
        from {{ ref('champions') }} as champions
        inner join {{ ref('registry') }} as registry
            on champions.task = registry.task and champions.model_id = registry.model_id
        group by champions.task
    ) as inputs
    where contains(name, '=')
    group by task, split_part(name, '=', 1)

)

select
    '[champion of ' || task || ']' as placeholder,
    {{ text_as_sql('model_id') }} as stamp
from {{ ref('champions') }}
union all
select
    '[newest of ' || task || ']' as placeholder,
    'map([' || string_agg({{ text_as_sql('algorithm') }}, ', ' order by algorithm asc nulls last) || '], ['
    || string_agg({{ text_as_sql('model_id') }}, ', ' order by algorithm asc nulls last) || '])' as stamp
from {{ source('ml', 'served_models') }}
where is_newest
group by task
union all
select
    '[' || input || ' of ' || task || ']' as placeholder,
    '[' || array_to_string(list_transform(members, lambda member: {{ text_as_sql('member') }}), ', ') || ']' as stamp
from vocabularies
union all
select
    '[champions]' as placeholder,
    'cast(map([' || coalesce(string_agg({{ text_as_sql('task') }}, ', ' order by task asc nulls last), '') || '], ['
    || coalesce(string_agg({{ text_as_sql('model_id') }}, ', ' order by task asc nulls last), '')
    || ']) as map(varchar, varchar))' as stamp
from {{ ref('champions') }}
union all
select
    '[traffic]' as placeholder,
    'cast(map([' || coalesce(string_agg({{ text_as_sql('task') }}, ', ' order by task asc nulls last), '') || '], ['
    || coalesce(string_agg(ranges, ', ' order by task asc nulls last), '')
    || ']) as map(varchar, struct(model_id varchar, first_bucket integer, last_bucket integer)[]))' as stamp
from (
    select
        assignments.task,
        '[' || string_agg(
            '{model_id: ' || {{ text_as_sql('assignments.model_id') }} || ', first_bucket: ' || assignments.first_bucket
            || ', last_bucket: ' || assignments.last_bucket || '}', ', ' order by assignments.first_bucket asc nulls last
        ) || ']' as ranges
    from {{ source('ml', 'assignments') }} as assignments
    inner join {{ ref('traffic') }} as shares
        on assignments.task = shares.task and assignments.model_id = shares.model_id and not shares.is_champion
    group by assignments.task
) as traffic
union all
select
    '[database]' as placeholder,
    '"' || replace(current_database(), '"', '""') || '"' as stamp
