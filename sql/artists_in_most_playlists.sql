-- Which artists are in most playlists, and with one track or many?
-- Shape: up to 20 rows: playlist_rank BIGINT, artist_name VARCHAR, playlists BIGINT, playlist_share DOUBLE,
-- tracks BIGINT, entries_per_playlist DOUBLE.
select
    playlist_rank,
    artist_name,
    playlists,
    round(playlist_share, 3) as playlist_share,
    tracks,
    round(entries_per_playlist, 2) as entries_per_playlist
from rpt_artist_frequency
order by playlist_rank asc, artist_uri asc
limit 20
