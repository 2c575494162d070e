-- Unknown tracks leave no gap in the positions, because models ignore them too.
select
    entries.playlist_id,
    cast(
        row_number() over (
            partition by entries.playlist_id
            order by entries.position asc nulls last
        ) - 1 as integer
    ) as place,
    tracks.track_number
from {{ ref('stg_mpd__playlist_tracks') }} as entries
inner join {{ ref('feat_next_song_tracks') }} as tracks
    on entries.track_uri = tracks.track_uri
