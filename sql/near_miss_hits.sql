-- Which tracks just missed being a hit although the model believed in them?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, genres_text VARCHAR, popularity BIGINT,
-- hit_probability DOUBLE.
select
    tracks.track_name,
    tracks.artists,
    tracks.genres_text,
    tracks.popularity,
    predictions.hit_probability
from dim_tracks as tracks
inner join fct_track_predictions as predictions
    on tracks.track_id = predictions.track_id
where
    tracks.is_pair_representative
    and tracks.popularity between 55 and 59
order by predictions.hit_probability desc, tracks.track_id asc
limit 20
