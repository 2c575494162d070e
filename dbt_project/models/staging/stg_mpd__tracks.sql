-- Values are those of the first playlist that has the track.
select
    track_uri,
    {{ in_first_entry('track_name') }} as track_name,
    {{ in_first_entry('artist_uri') }} as artist_uri,
    {{ in_first_entry('album_uri') }} as album_uri,
    {{ in_first_entry('duration_ms') }} as duration_ms
from {{ ref('base_mpd__playlist_tracks') }}
where rule is null
group by track_uri
