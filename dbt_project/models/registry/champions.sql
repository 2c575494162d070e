select
    task,
    max_by(model_id, promoted_at) as model_id,
    max(promoted_at) as promoted_at,
    max_by(reason, promoted_at) as reason,
    max_by(is_manual, promoted_at) as is_manual,
    max_by(is_pinned, promoted_at) as is_pinned
from {{ source('ml', 'promotions') }}
group by task
