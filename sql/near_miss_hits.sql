-- Which tracks just missed being a hit although the model rated them as likely hits?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, genres_text VARCHAR, popularity BIGINT,
-- hit_probability DOUBLE. Only tracks of fold 0, because the stored model was trained on the others.
with examples as (

    select
        features.track_id,
        min(tracks.popularity) filter (where features.is_hit) over () as hit_cut
    from features.feat_hit as features
    inner join dim_tracks as tracks
        on features.track_id = tracks.track_id
    qualify features.fold = 0

)

select
    tracks.track_name,
    tracks.artists,
    tracks.genres_text,
    tracks.popularity,
    predictions.hit_probability
from dim_tracks as tracks
inner join fct_track_predictions as predictions
    on tracks.track_id = predictions.track_id
inner join examples
    on tracks.track_id = examples.track_id
where tracks.popularity between examples.hit_cut - 5 and examples.hit_cut - 1
order by predictions.hit_probability desc, tracks.track_id asc
limit 20
