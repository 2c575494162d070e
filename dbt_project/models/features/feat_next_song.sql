with lists as (

    select
        playlist_id,
        {{ list_of('track_number', 'place') }} as track_numbers
    from {{ ref('feat_next_song_entries') }}
    group by playlist_id

)

select
    playlists.playlist_id,
    playlists.fold,
    playlists.is_for_ranking,
    playlists.title_words,
    lists.track_numbers
from {{ ref('int_playlists') }} as playlists
inner join lists
    on playlists.playlist_id = lists.playlist_id
