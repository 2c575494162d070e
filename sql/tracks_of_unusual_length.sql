-- Which tracks of the playlists are unusually short or long, and by which rule?
-- Shape: up to 20 rows, the most played first: track_name VARCHAR, artist_name VARCHAR, seconds DOUBLE,
-- rule VARCHAR, limit_seconds DOUBLE, playlists BIGINT. The rule is no_stream, short or long.
select
    track_name,
    artist_name,
    round(seconds) as seconds,
    rule,
    round(limit_seconds) as limit_seconds,
    playlists
from rpt_duration_outliers
order by playlists desc, track_uri asc
limit 20
