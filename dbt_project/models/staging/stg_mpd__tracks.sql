-- As it stands in the first playlist that has it.
with first_entries as (

    select
        track_uri,
        arg_min(
            struct_pack(track_name, artist_uri, album_uri, duration_ms), struct_pack(playlist_id, position)
        ) as track
    from {{ ref('base_mpd__playlist_tracks') }}
    where rule is null
    group by track_uri

)

select
    track_uri,
    track.track_name,
    track.artist_uri,
    track.album_uri,
    track.duration_ms
from first_entries
