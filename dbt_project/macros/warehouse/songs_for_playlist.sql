{#- The body of next_songs_for_playlist. -#}
{% macro songs_for_playlist() -%}
    {{ return(adapter.dispatch('songs_for_playlist')()) }}
{%- endmacro %}

{#- The names of the columns are none that a caller's could be mistaken for. -#}
{% macro duckdb__songs_for_playlist() -%}
    onnx_next_songs(
        {{ champion('next_song') }},
        coalesce(
            (
                select list(__track_uri order by __position)
                from (
                    select
                        playlist_id as __playlist_id,
                        track_uri as __track_uri,
                        position as __position
                    from staging.stg_mpd__playlist_tracks
                )
                where __playlist_id = playlist
            ),
            -- a playlist without tracks has its title
            (
                select any_value(cast([] as varchar[]))
                from (select playlist_id as __playlist_id from staging.stg_mpd__playlists)
                where __playlist_id = playlist
            )
        ),
        (
            select {{ title_words('any_value(__title)') }}
            from (
                select
                    playlist_id as __playlist_id,
                    title as __title
                from staging.stg_mpd__playlists
            )
            where __playlist_id = playlist
        ),
        k
    )
{%- endmacro %}

{#- For a playlist that is given as a constant: a function holds no query that depends on the row it is called for. -#}
{% macro snowflake__songs_for_playlist() -%}
    onnx_next_songs(
        {{ champion('next_song') }},
        (
            select {{ list_of('entries.track_uri', 'entries.position') }}
            from {{ ref('stg_mpd__playlist_tracks') }} as entries
            where entries.playlist_id = playlist
        ),
        (
            select {{ title_words('any_value(playlists.title)') }}
            from {{ ref('stg_mpd__playlists') }} as playlists
            where playlists.playlist_id = playlist
            having count(*) > 0
        ),
        k
    )
{%- endmacro %}
