-- Which tracks are far more or less popular than their sound and genre suggest?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, popularity BIGINT, predicted DOUBLE,
-- surprise DOUBLE. Only tracks of fold 0, because the stored model was trained on the others.
with held_out as (

    select
        tracks.track_id,
        tracks.track_name,
        tracks.artists,
        tracks.popularity,
        predictions.popularity as predicted,
        tracks.popularity - predictions.popularity as surprise
    from features.feat_popularity as examples
    inner join dim_tracks as tracks
        on examples.track_id = tracks.track_id
    inner join fct_track_predictions as predictions
        on examples.track_id = predictions.track_id
    where examples.fold = 0 and predictions.popularity is not null

),

ranked as (

    select
        *,
        row_number() over (order by surprise desc, track_id asc) as from_the_top,
        row_number() over (order by surprise asc, track_id asc) as from_the_bottom
    from held_out

)

select
    track_name,
    artists,
    popularity,
    predicted,
    surprise
from ranked
where from_the_top <= 10 or from_the_bottom <= 10
order by surprise desc, track_id asc
