-- On which tracks do the three algorithms differ most?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, logistic_regression DOUBLE,
-- random_forest DOUBLE, xgboost DOUBLE, spread DOUBLE.
with scored as (

    select
        tracks.track_id,
        tracks.track_name,
        tracks.artists,
        predict_hit_by('logistic_regression', tracks) as logistic_regression,
        predict_hit_by('random_forest', tracks) as random_forest,
        predict_hit_by('xgboost', tracks) as xgboost
    from dim_tracks as tracks
    where
        tracks.is_pair_representative
        and tracks.tempo is not null

)

select
    track_name,
    artists,
    logistic_regression,
    random_forest,
    xgboost,
    greatest(logistic_regression, random_forest, xgboost)
    - least(logistic_regression, random_forest, xgboost) as spread
from scored
order by spread desc, track_id asc
limit 20
