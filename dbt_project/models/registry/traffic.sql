with models as (

    select distinct
        task,
        model_id,
        array_to_string({{ input_names('inputs') }}, ', ') as input_names
    from {{ source('ml', 'served_models') }}

),

-- A challenger that became champion no longer has its own share. Functions encode a song for the champion, so
-- a challenger that has other inputs, such as other genres, has no share either.
challengers as (

    select
        assignments.task,
        assignments.model_id,
        sum(assignments.last_bucket - assignments.first_bucket + 1) as buckets
    from {{ source('ml', 'assignments') }} as assignments
    inner join {{ ref('champions') }} as champions
        on assignments.task = champions.task and assignments.model_id <> champions.model_id
    inner join models as own
        on assignments.task = own.task and assignments.model_id = own.model_id
    inner join models as known
        on champions.task = known.task and champions.model_id = known.model_id
    where own.input_names = known.input_names
    group by assignments.task, assignments.model_id

)

select
    champions.task,
    champions.model_id,
    true as is_champion,
    1 - cast(coalesce(sum(challengers.buckets), 0) as double) / 10000 as share
from {{ ref('champions') }} as champions
left join challengers
    on champions.task = challengers.task
group by champions.task, champions.model_id
union all
select
    challengers.task,
    challengers.model_id,
    false as is_champion,
    cast(challengers.buckets as double) / 10000 as share
from challengers
inner join {{ ref('champions') }} as champions
    on challengers.task = champions.task
