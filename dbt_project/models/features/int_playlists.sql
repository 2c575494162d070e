-- Playlists of fold 0 are held out. A tenth of the others is kept from the edges and the sequence net:
-- a ranking of what they say is learned from playlists that they do not know.
select
    playlist_id,
    {{ title_words('title') }} as title_words,
    {{ fold('playlist_id') }} as fold,
    {{ fold('playlist_id', salt='ranking', folds=10) }} = 0 as is_for_ranking
from {{ ref('stg_mpd__playlists') }}
