-- What does each candidate of a task predict for one song?
-- Shape: one row for each algorithm: algorithm VARCHAR, predicted DOUBLE, popularity BIGINT.
with song as (

    select *
    from dim_tracks
    where is_pair_representative and tempo is not null
    order by popularity desc, track_id asc
    limit 1

)

select
    models.algorithm,
    predict_popularity_by(models.algorithm, song) as predicted,
    song.popularity
from ml.served_models as models
cross join song
where models.task = 'popularity' and models.is_newest
order by models.algorithm
