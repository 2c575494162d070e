-- How do the Top 100 differ from all tracks and all chart songs?
-- Shape: up to 20 rows: entity VARCHAR, feature VARCHAR, top_100_mean DOUBLE, all_mean DOUBLE,
-- difference_in_sd DOUBLE.
select
    entity,
    feature,
    top_100_mean,
    all_mean,
    difference_in_sd
from rpt_feature_benchmarks
order by entity desc, abs(difference_in_sd) desc, feature asc
