-- Which little-known tracks sound most like the most popular one?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, genres_text VARCHAR, popularity BIGINT,
-- distance DOUBLE. Distances are in standard deviations of the nine audio features.
with scaled as (

    select
        sounds.id,
        sounds.feature,
        sounds.value / benchmarks.all_sd as value
    from features.int_feature_values as sounds
    inner join rpt_feature_benchmarks as benchmarks
        on sounds.entity = benchmarks.entity and sounds.feature = benchmarks.feature
    where
        sounds.entity = 'tracks'
        and sounds.feature not in ('duration_ms', 'explicit')
        and benchmarks.all_sd > 0

),

model_song as (

    select track_id
    from dim_tracks
    where is_pair_representative and tempo is not null
    order by popularity desc, track_id asc
    limit 1

),

distances as (

    select
        others.id as track_id,
        sqrt(sum((others.value - song.value) ** 2)) as distance
    from model_song
    inner join scaled as song
        on model_song.track_id = song.id
    inner join scaled as others
        on song.feature = others.feature and song.id <> others.id
    group by others.id
    having count(*) = 9

)

select
    tracks.track_name,
    tracks.artists,
    tracks.genres_text,
    tracks.popularity,
    distances.distance
from distances
inner join dim_tracks as tracks
    on distances.track_id = tracks.track_id
where tracks.popularity <= 30
order by distances.distance, tracks.track_id
limit 20
