-- For each slice: playlists and tracks in the file = those kept + those quarantined.
with found as (

    select
        slice,
        count(place) as playlists,
        coalesce(sum(case when rule is null then track_count end), 0) as tracks
    from {{ ref('base_mpd__playlists') }}
    group by slice

),

kept as (

    select
        playlists.slice,
        count(distinct playlists.playlist_id) as playlists,
        count(tracks.track_uri) as tracks
    from {{ ref('stg_mpd__playlists') }} as playlists
    left join {{ ref('stg_mpd__playlist_tracks') }} as tracks
        on playlists.playlist_id = tracks.playlist_id
    group by playlists.slice

),

quarantined as (

    select
        file as slice,
        -- without slices that cannot be used
        count(
            case when path not like '%.tracks%' and (path <> '$' or line_number is not null) then 1 end
        ) as playlists,
        count(case when path like '%.tracks%' then 1 end) as tracks
    from {{ ref('quarantine') }}
    where source = 'playlists'
    group by file

)

select
    found.slice,
    found.playlists,
    found.tracks,
    kept.playlists as kept_playlists,
    kept.tracks as kept_tracks,
    quarantined.playlists as quarantined_playlists,
    quarantined.tracks as quarantined_tracks
from found
left join kept
    on found.slice = kept.slice
left join quarantined
    on found.slice = quarantined.slice
where
    found.playlists <> coalesce(kept.playlists, 0) + coalesce(quarantined.playlists, 0)
    or found.tracks <> coalesce(kept.tracks, 0) + coalesce(quarantined.tracks, 0)
