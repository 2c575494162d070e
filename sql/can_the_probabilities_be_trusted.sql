-- When the champion says 30 percent, are 30 percent of the tracks hits?
-- Shape: up to 10 rows: low DOUBLE, high DOUBLE, tracks BIGINT, predicted DOUBLE, observed DOUBLE,
-- standard_error DOUBLE, finding VARCHAR.
select
    low,
    high,
    row_count as tracks,
    predicted,
    observed,
    sqrt(predicted * (1 - predicted) / row_count) as standard_error,
    case
        when gap > 2 * standard_error then 'underestimates'
        when gap < -2 * standard_error then 'overestimates'
        else 'calibrated'
    end as finding
from rpt_calibration
where task = 'hit' and is_champion
order by low
