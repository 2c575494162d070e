{%- set window = 10 -%}
{#- Number of neighbors that a model keeps for a track. -#}
{%- set kept = 64 -%}

with entries as (

    select
        entries.*,
        playlists.is_for_ranking
    from {{ ref('feat_next_song_entries') }} as entries
    inner join {{ ref('int_playlists') }} as playlists
        on entries.playlist_id = playlists.playlist_id
    where playlists.fold <> 0

),

steps as (

    {{ whole_numbers('step', window) }}

),

pairs as (

    select
        earlier.track_number,
        later.track_number as neighbour_number,
        earlier.is_for_ranking,
        count(case when steps.step = 1 then 1 end) as follows,
        -- in units of 1 / 2520, so that all terms are whole and their sum does not depend on the order
        sum(cast(2520 / steps.step as integer)) as near,
        count(*) as together
    from entries as earlier
    cross join steps
    inner join entries as later
        on
            earlier.playlist_id = later.playlist_id
            and earlier.place + steps.step = later.place
    where earlier.track_number <> later.track_number
    group by earlier.track_number, later.track_number, earlier.is_for_ranking

),

both_directions as (

    select *
    from pairs
    union all
    select
        neighbour_number as track_number,
        track_number as neighbour_number,
        is_for_ranking,
        0 as follows,
        0 as near,
        together
    from pairs

),

edges as (

    select
        track_number,
        neighbour_number,
        cast(sum(follows) as double) as follows,
        cast(sum(near) as double) / 2520 as near,
        cast(sum(together) as double) as together,
        cast(sum(case when is_for_ranking then 0 else follows end) as double) as fit_follows,
        cast(sum(case when is_for_ranking then 0 else near end) as double) / 2520 as fit_near,
        cast(sum(case when is_for_ranking then 0 else together end) as double) as fit_together
    from both_directions
    group by track_number, neighbour_number

),

strengths as (

    select
        *,
        follows + near + together / {{ window }} as strength,
        fit_follows + fit_near + fit_together / {{ window }} as fit_strength
    from edges

)

select
    track_number,
    neighbour_number,
    follows,
    near,
    together,
    strength,
    fit_follows,
    fit_near,
    fit_together,
    fit_strength
from strengths
qualify
    row_number() over (
        partition by track_number
        order by strength desc nulls last, neighbour_number asc nulls last
    ) <= {{ kept }}
    or row_number() over (
        partition by track_number order by fit_strength desc nulls last, neighbour_number asc nulls last
    ) <= {{ kept }}
