select
    models.task,
    models.algorithm,
    models.version,
    models.model_id,
    models.is_champion,
    calibration.label,
    calibration.bin,
    cast(calibration.bin - 1 as double) / 10 as low,
    cast(calibration.bin as double) / 10 as high,
    calibration.row_count,
    calibration.predicted,
    calibration.observed,
    calibration.observed - calibration.predicted as gap
from {{ ref('rpt_model_leaderboard') }} as models
inner join {{ ref('model_calibration') }} as calibration
    on
        models.task = calibration.task
        and models.algorithm = calibration.algorithm
        and models.version = calibration.version
