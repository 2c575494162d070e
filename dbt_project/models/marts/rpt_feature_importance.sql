select
    models.task,
    models.algorithm,
    models.version,
    models.model_id,
    models.is_champion,
    models.metric,
    importance.feature,
    importance.importance,
    row_number() over (
        partition by models.task, models.algorithm, models.version
        order by importance.importance desc nulls last, importance.feature asc nulls last
    ) as importance_rank
from {{ ref('rpt_model_leaderboard') }} as models
inner join {{ ref('feature_importance') }} as importance
    on
        models.task = importance.task
        and models.algorithm = importance.algorithm
        and models.version = importance.version
