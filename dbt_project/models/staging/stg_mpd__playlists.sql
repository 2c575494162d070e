select
    playlist_id,
    title,
    description,
    is_collaborative,
    modified_at,
    follower_count,
    edit_count,
    slice
from {{ ref('base_mpd__playlists') }}
where rule is null
