{#- A query: a row for each track of playlists that break no rule, one for each other playlist. To the columns of the
    playlists it adds `track_count`, `track`, its number `entry`, and `is_again` where a track before it in the
    playlist has the same `pos`. -#}
{% macro numbered_tracks(playlists) -%}
    {{ return(adapter.dispatch('numbered_tracks')(playlists)) }}
{%- endmacro %}

{#- Positions are looked through only where one stands twice, and not beside unnest, which would repeat them for each
    track. DuckDB writes 122,880 rows at a time, and as many whole playlists are 2 GB: so the tracks are flat. -#}
{% macro duckdb__numbered_tracks(playlists) -%}
    with listed as (

        select
            *,
            list_transform(tracks, lambda track: struct_extract(track, 'pos')) as positions
        from {{ playlists }}

    ),

    searched as (

        select
            * replace (
                case when rule is null and len(tracks) > 0 then tracks end as tracks,
                case when len(list_distinct(positions)) < len(positions) then positions end as positions
            ),
            len(tracks) as track_count
        from listed

    ),

    flat as (

        select
            * exclude (tracks),
            unnest(coalesce(tracks, [null])) as track,
            generate_subscripts(tracks, 1) as place_in_playlist
        from searched

    )

    select
        * exclude (positions, place_in_playlist),
        place_in_playlist - 1 as entry,
        coalesce(list_position(positions, track.pos) < place_in_playlist, false) as is_again
    from flat
{%- endmacro %}

{% macro snowflake__numbered_tracks(playlists) -%}
    select
        playlists.* exclude (tracks),
        array_size(playlists.tracks) as track_count,
        entries.value as track,
        entries.index as entry,
        {{ field('entries.value', 'pos') }} is not null
        and row_number() over (
            partition by playlists.slice, playlists.place, {{ field('entries.value', 'pos') }} order by entries.index
        ) > 1 as is_again
    from {{ playlists }} as playlists
    cross join lateral flatten(
        input => case when playlists.rule is null then playlists.tracks end, outer => true
    ) as entries
{%- endmacro %}
