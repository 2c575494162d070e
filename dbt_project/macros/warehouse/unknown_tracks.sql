{#- The body of check_next_songs. -#}
{% macro unknown_tracks() -%}
    {{ return(adapter.dispatch('unknown_tracks')()) }}
{%- endmacro %}

{#- The names of the columns are none that a caller's could be mistaken for. -#}
{% macro duckdb__unknown_tracks() -%}
    case when track_uris is not null then coalesce(
        (
            select
                list(
                    coalesce(__uri || ' is no track that models of the next song were trained on', 'a track is NULL')
                    order by __place
                )
            from (
                select
                    unnest(track_uris) as __uri,
                    generate_subscripts(track_uris, 1) as __place
            )
            where not exists (
                select 1
                from (select track_uri as __known_uri from features.feat_next_song_tracks)
                where __known_uri = __uri
            )
        ),
        cast([] as varchar[])
    ) end
{%- endmacro %}

{#- For a list that is given as a constant, see songs_for_playlist. -#}
{% macro snowflake__unknown_tracks() -%}
    case when track_uris is not null then (
        select
            array_agg(
                coalesce(
                    cast(uris.value as varchar) || ' is no track that models of the next song were trained on',
                    'a track is NULL'
                )
            ) within group (order by uris.index)
        from table(flatten(input => track_uris)) as uris
        left join {{ ref('feat_next_song_tracks') }} as known
            on known.track_uri = cast(uris.value as varchar)
        where known.track_uri is null
    ) end
{%- endmacro %}
