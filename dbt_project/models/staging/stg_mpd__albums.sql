-- As it stands in the first playlist that has it.
with first_entries as (

    select
        album_uri,
        arg_min(struct_pack(album_name, artist_uri), struct_pack(playlist_id, position)) as album
    from {{ ref('base_mpd__playlist_tracks') }}
    where rule is null
    group by album_uri

)

select
    album_uri,
    album.album_name,
    album.artist_uri
from first_entries
