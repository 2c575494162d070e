-- Which tracks does the model rate as likely hits although few people listen to them?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, genres_text VARCHAR, popularity BIGINT,
-- hit_probability DOUBLE. Only tracks of fold 0, because the stored model was trained on the others.
select
    tracks.track_name,
    tracks.artists,
    tracks.genres_text,
    tracks.popularity,
    predictions.hit_probability
from fct_track_predictions as predictions
inner join dim_tracks as tracks
    on predictions.track_id = tracks.track_id
inner join features.feat_hit as examples
    on tracks.track_id = examples.track_id
where
    examples.fold = 0
    and tracks.popularity between 1 and 30
order by predictions.hit_probability desc, tracks.track_id asc
limit 20
