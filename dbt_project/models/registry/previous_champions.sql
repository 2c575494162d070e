-- For a task without champion, its last champion.
select
    promotions.task,
    promotions.model_id
from {{ source('ml', 'promotions') }} as promotions
left join {{ ref('champions') }} as champions
    on promotions.task = champions.task
where promotions.model_id is not null and promotions.model_id is distinct from champions.model_id
qualify row_number() over (partition by promotions.task order by promotions.promoted_at desc nulls last) = 1
