{#- The body of similar_tracks. -#}
{% macro nearest_tracks() -%}
    {{ return(adapter.dispatch('nearest_tracks')()) }}
{%- endmacro %}

{#- The names of the columns are none that a caller's could be mistaken for. -#}
{% macro duckdb__nearest_tracks() -%}
    case
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
{%- endmacro %}

{#- For a track that is given as a constant, see songs_for_playlist. -#}
{% macro snowflake__nearest_tracks() -%}
    case
        when {{ raise_error(
            "case when k not between 1 and 100 then 'similar_tracks: k is ' || k || ': give 1 to 100' end", 'varchar'
        ) }} is null then (
            select
                array_agg(
                    object_construct('rank', nearest.place, 'track_uri', nearest.track_uri, 'score', nearest.score)
                ) within group (order by nearest.place)
            from (
                select
                    scored.track_uri,
                    scored.score,
                    row_number() over (order by scored.score desc, scored.track_uri asc) as place
                from (
                    select
                        others.track_uri,
                        {{ helper_name('dot_product') }}(others.vector, given.vector) as score
                    from {{ ref('fct_track_vectors') }} as others
                    cross join {{ ref('fct_track_vectors') }} as given
                    where given.track_uri = track and others.track_uri <> track
                ) as scored
                where scored.score is not null
            ) as nearest
            where nearest.place <= k
            having count(*) > 0
        )
    end
{%- endmacro %}
