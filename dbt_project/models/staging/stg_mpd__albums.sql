-- Values are those of the first playlist that has the album.
select
    album_uri,
    {{ in_first_entry('album_name') }} as album_name,
    {{ in_first_entry('artist_uri') }} as artist_uri
from {{ ref('base_mpd__playlist_tracks') }}
where rule is null
group by album_uri
