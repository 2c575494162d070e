-- How likely is a hit by each algorithm, and is anything about the song unusual?
-- Shape: 1 row: champion DOUBLE, logistic_regression DOUBLE, random_forest DOUBLE, xgboost DOUBLE,
-- unusual VARCHAR[].
with song as (

    select
        0.71 as danceability,
        0.83 as energy,
        0.52 as valence,
        124.0 as tempo

)

select
    predict_hit(song) as champion,
    predict_hit_by('logistic_regression', song) as logistic_regression,
    predict_hit_by('random_forest', song) as random_forest,
    predict_hit_by('xgboost', song) as xgboost,
    check_hit(song) as unusual
from song
