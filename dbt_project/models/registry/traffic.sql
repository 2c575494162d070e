-- A challenger that became champion no longer has its own share.
with challengers as (

    select
        assignments.task,
        assignments.model_id,
        sum(assignments.last_bucket - assignments.first_bucket + 1) as buckets
    from {{ source('ml', 'assignments') }} as assignments
    left join {{ ref('champions') }} as champions
        on assignments.task = champions.task and assignments.model_id = champions.model_id
    where champions.model_id is null
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
