{%- set columns = [
    'slice', 'fingerprint', 'place', 'playlist_id', 'title', 'description', 'is_collaborative', 'modified_at',
    'follower_count', 'edit_count', 'track_count', 'content', 'rule', 'reason', 'tracks', 'first_slice',
] -%}

with playlists as (

    select * exclude (entry, track, is_again)
    from {{ ref('base_mpd__slices') }}
    where coalesce(entry, 0) = 0

),

-- A playlist that occurs more than once is kept at its first place.
places as (

    select
        slice,
        place,
        first_value(slice) over (
            partition by playlist_id
            order by slice asc nulls last, place asc nulls last
        ) as first_slice,
        row_number() over (
            partition by playlist_id
            order by slice asc nulls last, place asc nulls last
        ) as place_number
    from playlists
    where rule is null

),

again as (

    select
        slice,
        place,
        first_slice
    from places
    where place_number > 1

),

-- The others go to quarantine as JSON, with all tracks.
whole as (

    select
        again.slice,
        again.place,
        {{ list_of('slices.track', 'slices.entry') }} as tracks
    from again
    inner join {{ ref('base_mpd__slices') }} as slices
        on again.slice = slices.slice and again.place = slices.place
    where slices.entry is not null
    group by again.slice, again.place

),

placed as (

    select
        playlists.*,
        coalesce(whole.tracks, []) as tracks,
        again.first_slice
    from playlists
    left join again
        on playlists.slice = again.slice and playlists.place = again.place
    left join whole
        on playlists.slice = whole.slice and playlists.place = whole.place

)

select
    * exclude (tracks, first_slice) replace (
        case when first_slice is null then content else {{ row_as_json('placed', columns) }} end as content,
        case when first_slice is null then rule else 'pid_twice' end as rule,
        case
            when first_slice is null then reason
            else 'pid is ' || playlist_id || ', as of a playlist before it in ' || first_slice
        end as reason
    )
from placed
