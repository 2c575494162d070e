{#- The edges from one of `parts` parts of the tracks. The tracks of a part are those whose number has the remainder
    `part`: the most played tracks, which have the lowest numbers, are spread over all parts. -#}
{% macro next_song_edges(part, parts) -%}
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

        {{ whole_numbers('step', window, first=-window) }}

    ),

    -- The distance counts in units of 1 / 2520, so that all terms are whole and their sum does not depend on the order.
    pairs as (

        select
            entries.track_number,
            others.track_number as neighbour_number,
            case when steps.step = 1 then 1 else 0 end as follows,
            case when steps.step > 0 then cast(2520 / greatest(steps.step, 1) as integer) else 0 end as near,
            case when entries.is_for_ranking then 0 else 1 end as is_fit
        from entries
        cross join steps
        inner join entries as others
            on
                entries.playlist_id = others.playlist_id
                and entries.place + steps.step = others.place
        where
            entries.track_number <> others.track_number
            and entries.track_number % {{ parts }} = {{ part }}

    ),

    edges as (

        select
            track_number,
            neighbour_number,
            cast(sum(follows) as double) as follows,
            cast(sum(near) as double) / 2520 as near,
            cast(count(*) as double) as together,
            cast(sum(follows * is_fit) as double) as fit_follows,
            cast(sum(near * is_fit) as double) / 2520 as fit_near,
            cast(sum(is_fit) as double) as fit_together
        from pairs
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
{%- endmacro %}

{#- Insert the edges from all parts but the first. -#}
{% macro insert_further_edges(relation) -%}
    {%- set parts = row_parts(ref('feat_next_song_entries')) -%}
    {%- for part in range(1, parts) %}
    insert into {{ relation }}
    {{ next_song_edges(part, parts) }};
    {%- endfor %}
{%- endmacro %}
