with counted as (

    select
        tracks.artist_uri,
        count(distinct entries.playlist_id) as playlists,
        count(*) as entries,
        count(distinct entries.track_uri) as tracks
    from {{ ref('stg_mpd__playlist_tracks') }} as entries
    inner join {{ ref('stg_mpd__tracks') }} as tracks
        on entries.track_uri = tracks.track_uri
    group by tracks.artist_uri

),

total as (

    select count(*) as playlists from {{ ref('stg_mpd__playlists') }}

)

select
    counted.artist_uri,
    artists.artist_name,
    counted.playlists,
    cast(counted.playlists as double) / total.playlists as playlist_share,
    counted.entries,
    counted.tracks,
    cast(counted.entries as double) / counted.playlists as entries_per_playlist,
    rank() over (order by counted.playlists desc nulls last) as playlist_rank
from counted
inner join {{ ref('stg_mpd__artists') }} as artists
    on counted.artist_uri = artists.artist_uri
cross join total
