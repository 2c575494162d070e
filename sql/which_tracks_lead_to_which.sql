-- Which track most reliably follows another one in playlists?
-- Shape: up to 20 rows: track_name VARCHAR, next_track VARCHAR, following BIGINT, share_of_plays DOUBLE,
-- same_artist BOOLEAN. Counted in training playlists, for tracks with at least twenty plays.
select
    tracks.track_name,
    next_tracks.track_name as next_track,
    cast(edges.follows as bigint) as following,
    round(edges.follows / known.play_count, 3) as share_of_plays,
    tracks.artist_uri = next_tracks.artist_uri as same_artist
from features.feat_next_song_edges as edges
inner join features.feat_next_song_tracks as known
    on edges.track_number = known.track_number
inner join features.feat_next_song_tracks as next_known
    on edges.neighbour_number = next_known.track_number
inner join staging.stg_mpd__tracks as tracks
    on known.track_uri = tracks.track_uri
inner join staging.stg_mpd__tracks as next_tracks
    on next_known.track_uri = next_tracks.track_uri
where known.play_count >= 20
order by share_of_plays desc, following desc, tracks.track_uri asc, next_tracks.track_uri asc
limit 20
