-- depends_on: {{ ref('feat_next_song_tracks') }}
-- The names of the columns are none that a caller's could be mistaken for.
(track_uris) as case when track_uris is not null then coalesce(
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
