-- Which tracks does the model believe in that few people listen to?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, genres_text VARCHAR, popularity BIGINT,
-- hit_probability DOUBLE.
select
    tracks.track_name,
    tracks.artists,
    tracks.genres_text,
    tracks.popularity,
    predictions.hit_probability
from fct_track_predictions as predictions
inner join dim_tracks as tracks
    on predictions.track_id = tracks.track_id
where
    tracks.is_pair_representative
    and tracks.popularity between 1 and 30
order by predictions.hit_probability desc, tracks.track_id asc
limit 20
