-- As it stands in the first playlist that has it.
select
    artist_uri,
    {{ in_first_entry('artist_name') }} as artist_name
from {{ ref('base_mpd__playlist_tracks') }}
where rule is null
group by artist_uri
