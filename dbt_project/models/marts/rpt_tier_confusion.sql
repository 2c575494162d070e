select
    models.task,
    models.algorithm,
    models.version,
    models.model_id,
    models.is_champion,
    confusion.actual,
    confusion.predicted,
    confusion.row_count,
    cast(confusion.row_count as double) / nullif(
        sum(confusion.row_count) over (partition by models.algorithm, models.version, confusion.actual), 0
    ) as share_of_actual
from {{ ref('rpt_model_leaderboard') }} as models
inner join {{ ref('model_confusion') }} as confusion
    on
        models.task = confusion.task
        and models.algorithm = confusion.algorithm
        and models.version = confusion.version
where models.task = 'tier'
