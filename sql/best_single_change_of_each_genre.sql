-- Which single change helps the songs of each genre most?
-- Shape: up to 40 rows, the genres with most songs: genre VARCHAR, songs BIGINT, feature VARCHAR,
-- share DOUBLE, mean_delta DOUBLE, claimed DOUBLE, judged DOUBLE. The share counts the songs for which the
-- optimizer finds this feature best. The gains are means over these songs: claimed by the model, judged by
-- the held-out evaluator.
-- Needs ONNX Runtime: udfs.register(connection).
with genres as (

    select
        unnest(genres) as genre,
        count(*) as songs
    from dim_tracks
    where is_pair_representative
    group by genre
    order by songs desc, genre asc
    limit 40

),

advised as (

    select
        song.genres,
        optimize_song(song, max_features := 1) as advice
    from dim_tracks as song
    where song.is_pair_representative

),

changes as (

    select
        unnest(genres) as genre,
        advice.changes[1].feature as feature,
        advice.changes[1].delta as delta,
        advice.popularity_delta,
        advice.judged_delta
    from advised

),

counted as (

    select
        genres.genre,
        genres.songs,
        changes.feature,
        count(*) / genres.songs as share,
        avg(changes.delta) as mean_delta,
        avg(changes.popularity_delta) as claimed,
        avg(changes.judged_delta) as judged
    from genres
    inner join changes
        on genres.genre = changes.genre
    where changes.feature is not null
    group by genres.genre, genres.songs, changes.feature
    qualify row_number() over (partition by genres.genre order by share desc, changes.feature asc) = 1

)

select
    genre,
    songs,
    feature,
    round(share, 2) as share,
    round(mean_delta, 3) as mean_delta,
    round(claimed, 1) as claimed,
    round(judged, 1) as judged
from counted
order by songs desc, genre asc
