{{ config(materialized='view') }}

-- A playlist that stands in two places is kept at the first.
with first_places as (

    select
        playlist_id,
        min(struct_pack(slice := slice, place := place)) as first_place
    from {{ ref('base_mpd__slices') }}
    where rule is null
    group by playlist_id

),

placed as (

    select
        slices.*,
        case
            when struct_pack(slice := slices.slice, place := slices.place) <> first_places.first_place
                then struct_extract(first_places.first_place, 'slice')
        end as first_slice
    from {{ ref('base_mpd__slices') }} as slices
    left join first_places
        on slices.playlist_id = first_places.playlist_id and slices.rule is null

)

select
    * exclude (first_slice) replace (
        case when first_slice is null then content else {{ row_as_json('placed') }} end as content,
        case when first_slice is null then rule else 'pid_twice' end as rule,
        case
            when first_slice is null then reason
            else 'pid is ' || playlist_id || ', as of a playlist before it in ' || first_slice
        end as reason
    )
from placed
