-- Which tracks does the model suggest to most playlists, and how many already have them?
-- Shape: up to 20 rows: track_name VARCHAR, artist_name VARCHAR, offered_to BIGINT, played_by BIGINT,
-- mean_score DOUBLE.
with offered as (

    select
        track_uri,
        count(*) as offered_to,
        avg(score) as mean_score
    from fct_playlist_next_songs
    group by track_uri

),

played as (

    select
        track_uri,
        count(distinct playlist_id) as played_by
    from staging.stg_mpd__playlist_tracks
    group by track_uri

)

select
    tracks.track_name,
    artists.artist_name,
    offered.offered_to,
    coalesce(played.played_by, 0) as played_by,
    round(offered.mean_score, 3) as mean_score
from offered
inner join staging.stg_mpd__tracks as tracks
    on offered.track_uri = tracks.track_uri
inner join staging.stg_mpd__artists as artists
    on tracks.artist_uri = artists.artist_uri
left join played
    on offered.track_uri = played.track_uri
order by offered.offered_to desc, offered.track_uri asc
limit 20
