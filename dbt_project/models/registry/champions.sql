with newest as (

    select *
    from {{ source('ml', 'promotions') }}
    qualify row_number() over (partition by task order by promoted_at desc nulls last) = 1

)

select
    task,
    model_id,
    promoted_at,
    reason,
    is_manual,
    is_pinned
from newest
where model_id is not null
