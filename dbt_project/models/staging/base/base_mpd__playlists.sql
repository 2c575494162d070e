{{ config(materialized='view') }}

with playlists as (

    select * exclude (entry, track, is_again)
    from {{ ref('base_mpd__slices') }}
    where coalesce(entry, 0) = 0

),

-- A playlist that stands in two places is kept at the first.
first_places as (

    select
        playlist_id,
        min(struct_pack(slice := slice, place := place)) as first_place
    from playlists
    where rule is null
    group by playlist_id

),

again as (

    select
        playlists.slice,
        playlists.place,
        struct_extract(first_places.first_place, 'slice') as first_slice
    from playlists
    inner join first_places
        on playlists.playlist_id = first_places.playlist_id
    where
        playlists.rule is null
        and struct_pack(slice := playlists.slice, place := playlists.place) <> first_places.first_place

),

-- The others are kept whole as JSON.
whole as (

    select
        again.slice,
        again.place,
        again.first_slice,
        coalesce(
            array_agg(slices.track order by slices.entry) filter (where slices.entry is not null), []
        ) as tracks
    from again
    inner join {{ ref('base_mpd__slices') }} as slices
        on again.slice = slices.slice and again.place = slices.place
    group by again.slice, again.place, again.first_slice

),

placed as (

    select
        playlists.*,
        whole.tracks,
        whole.first_slice
    from playlists
    left join whole
        on playlists.slice = whole.slice and playlists.place = whole.place

)

select
    * exclude (tracks, first_slice) replace (
        case when first_slice is null then content else {{ row_as_json('placed') }} end as content,
        case when first_slice is null then rule else 'pid_twice' end as rule,
        case
            when first_slice is null then reason
            else 'pid is ' || playlist_id || ', as of a playlist before it in ' || first_slice
        end as reason
    )
from placed
