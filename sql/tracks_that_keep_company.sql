-- Which tracks are nearest to the most played ones in the vectors that the model learned?
-- Shape: up to 30 rows, three for each of ten tracks: track_name VARCHAR, nearest INTEGER,
-- near_track VARCHAR, near_artist VARCHAR, similarity DOUBLE. The similarity is the cosine of their vectors.
with played as (

    select
        track_uri,
        play_count
    from features.feat_next_song_tracks
    where track_number < 10

),

near as (

    select
        track_uri as given_uri,
        play_count,
        unnest(similar_tracks(track_uri, 3)) as song
    from played

)

select
    tracks.track_name,
    struct_extract(near.song, 'rank') as nearest,
    others.track_name as near_track,
    artists.artist_name as near_artist,
    round(struct_extract(near.song, 'score'), 3) as similarity
from near
inner join staging.stg_mpd__tracks as tracks
    on near.given_uri = tracks.track_uri
inner join staging.stg_mpd__tracks as others
    on struct_extract(near.song, 'track_uri') = others.track_uri
inner join staging.stg_mpd__artists as artists
    on others.artist_uri = artists.artist_uri
order by near.play_count desc, near.given_uri asc, nearest asc
