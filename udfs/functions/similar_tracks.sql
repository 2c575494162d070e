-- depends_on: {{ ref('fct_track_vectors') }}
-- The names of the columns are none that a caller's could be mistaken for.
(track, k) as case
    when k not between 1 and 100
        then {{ raise_error("'similar_tracks: k is ' || k || ': give 1 to 100'", song_list()) }}
    when k is not null then list_transform(
        list_slice(
            (
                select
                    min_by(
                        struct_pack(track_uri := __uri, score := __score),
                        struct_pack(distance := -__score, uri := __uri),
                        100
                    )
                from (
                    select
                        __uri,
                        cast(
                            list_dot_product(
                                __vector,
                                (
                                    select any_value(__given_vector)
                                    from (
                                        select
                                            track_uri as __given_uri,
                                            vector as __given_vector
                                        from fct_track_vectors
                                    )
                                    where __given_uri = track
                                )
                            ) as double
                        ) as __score
                    from (
                        select
                            track_uri as __uri,
                            vector as __vector
                        from fct_track_vectors
                    )
                    where __uri <> track
                )
                where __score is not null
            ),
            1,
            k
        ),
        lambda found, place: struct_pack(
            "rank" := cast(place as integer), track_uri := found.track_uri, score := found.score
        )
    )
end
