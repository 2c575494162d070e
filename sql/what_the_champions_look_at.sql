-- Which inputs do the champions use, and how much does each matter?
-- Shape: up to 25 rows: task VARCHAR, algorithm VARCHAR, metric VARCHAR, importance_rank BIGINT,
-- feature VARCHAR, importance DOUBLE, share DOUBLE.
select
    task,
    algorithm,
    metric,
    importance_rank,
    feature,
    importance,
    greatest(importance, 0) / nullif(sum(greatest(importance, 0)) over (partition by task), 0) as share
from rpt_feature_importance
where is_champion
qualify importance_rank <= 5
order by task, importance_rank
