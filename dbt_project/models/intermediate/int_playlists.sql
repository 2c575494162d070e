-- Playlists of fold 0 are held out. A tenth of the others is not used for the edges and the sequence net:
-- the ranking model, which combines both, is trained on these playlists. The split is by tracks, so that
-- copies of a playlist are on the same side.
with contents as (

    select
        playlist_id,
        {{ joined_text('track_uri', ' ', 'position') }} as track_uris
    from {{ ref('stg_mpd__playlist_tracks') }}
    group by playlist_id

)

select
    playlists.playlist_id,
    {{ title_words('playlists.title') }} as title_words,
    {{ fold("coalesce(contents.track_uris, '')") }} as fold,
    {{ fold("coalesce(contents.track_uris, '')", salt='ranking', folds=10) }} = 0 as is_for_ranking
from {{ ref('stg_mpd__playlists') }} as playlists
left join contents
    on playlists.playlist_id = contents.playlist_id
