-- As it stands in the first playlist that has it.
select
    artist_uri,
    arg_min(artist_name, struct_pack(playlist_id, position)) as artist_name
from {{ ref('base_mpd__playlist_tracks') }}
where rule is null
group by artist_uri
