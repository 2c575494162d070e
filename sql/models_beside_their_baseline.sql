-- How good is each candidate of the newest run, compared with the baseline?
-- Shape: one row for each task and algorithm: task VARCHAR, algorithm VARCHAR, is_champion BOOLEAN,
-- metric VARCHAR, mean DOUBLE, standard_error DOUBLE, baseline_mean DOUBLE, ceiling DOUBLE.
select
    metrics.task,
    metrics.algorithm,
    champions.model_id is not null as is_champion,
    metrics.metric,
    metrics.mean,
    metrics.standard_error,
    metrics.baseline_mean,
    metrics.ceiling
from ml.model_metrics as metrics
left join ml.champions as champions
    on metrics.task = champions.task and metrics.model_id = champions.model_id
where metrics.is_primary
qualify metrics.version = max(metrics.version) over (partition by metrics.task, metrics.algorithm)
order by metrics.task, metrics.algorithm
