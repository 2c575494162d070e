-- How much of a song's streams is explained by its age, and how much by its sound?
-- Shape: up to 5 rows: age VARCHAR, songs BIGINT, log_streams DOUBLE, by_audio DOUBLE, by_context DOUBLE,
-- rmse_by_audio DOUBLE, rmse_by_context DOUBLE. Context is audio and release. Only songs of fold 0,
-- because the stored models were trained on all others.
with songs as (

    select
        song_id,
        streams,
        date_diff('day', released_on, max(released_on) over ()) as age_days
    from dim_songs

),

held_out as (

    select
        ln(1 + songs.streams) as log_streams,
        predictions.log_streams as by_audio,
        predictions.log_streams_context as by_context,
        case
            when songs.age_days < 365 then '1: under a year'
            when songs.age_days < 2 * 365 then '2: a year'
            when songs.age_days < 5 * 365 then '3: two to four years'
            when songs.age_days < 10 * 365 then '4: five to nine years'
            else '5: ten years or more'
        end as age
    from features.feat_log_streams_context as examples
    inner join songs
        on examples.song_id = songs.song_id
    inner join fct_song_predictions as predictions
        on examples.song_id = predictions.song_id
    where examples.fold = 0

)

select
    age,
    count(*) as songs,
    avg(log_streams) as log_streams,
    avg(by_audio) as by_audio,
    avg(by_context) as by_context,
    sqrt(avg((log_streams - by_audio) ** 2)) as rmse_by_audio,
    sqrt(avg((log_streams - by_context) ** 2)) as rmse_by_context
from held_out
group by age
order by age
