select
    playlist_id,
    position,
    track_uri
from {{ ref('base_mpd__playlist_tracks') }}
where rule is null
