-- Which track would come next in each of the most followed playlists, and how sure is the model?
-- Shape: up to 30 rows, three for each of ten playlists: title VARCHAR, song_rank INTEGER,
-- track_name VARCHAR, artist_name VARCHAR, score DOUBLE. The score is the probability that the track is
-- next, among the tracks that the model considers.
with followed as (

    select
        playlist_id,
        title,
        follower_count
    from staging.stg_mpd__playlists
    order by follower_count desc, playlist_id asc
    limit 10

)

select
    followed.title,
    songs.song_rank,
    tracks.track_name,
    artists.artist_name,
    round(songs.score, 3) as score
from followed
inner join fct_playlist_next_songs as songs
    on followed.playlist_id = songs.playlist_id
inner join staging.stg_mpd__tracks as tracks
    on songs.track_uri = tracks.track_uri
inner join staging.stg_mpd__artists as artists
    on tracks.artist_uri = artists.artist_uri
where songs.song_rank <= 3
order by followed.follower_count desc, followed.playlist_id asc, songs.song_rank asc
