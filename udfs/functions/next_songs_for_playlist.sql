-- depends_on: {{ function('onnx_next_songs') }}, {{ ref('stg_mpd__playlist_tracks') }}, {{ ref('stg_mpd__playlists') }}
-- The names of the columns are none that a caller's could be mistaken for.
(playlist, k) as onnx_next_songs(
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
