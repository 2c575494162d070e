with champions as (

    select
        champions.task,
        champions.model_id,
        1 - coalesce(sum(assignments.share), 0) as share
    from {{ ref('champions') }} as champions
    left join {{ source('ml', 'assignments') }} as assignments
        on champions.task = assignments.task
    group by champions.task, champions.model_id

)

select
    task,
    model_id,
    true as is_champion,
    share
from champions
union all
select
    task,
    model_id,
    false as is_champion,
    share
from {{ source('ml', 'assignments') }}
