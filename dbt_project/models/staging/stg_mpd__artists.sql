-- Values are those of the first playlist that has the artist.
select
    artist_uri,
    {{ in_first_entry('artist_name') }} as artist_name
from {{ ref('base_mpd__playlist_tracks') }}
where rule is null
group by artist_uri
