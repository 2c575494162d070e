with tracks as (

    select
        *,
        {{ pair_key('track_name', 'artists') }} as pair_key,
        coalesce(
            genre in (
                {%- for name in var('excluded_genres') %}
                {{ genre_name(text_literal(name)) }},
                {%- endfor %}
                null
            ),
            false
        ) as is_excluded
    from {{ ref('stg_kaggle__tracks') }}

),

genres as (

    select
        pair_key,
        -- NULL where the file has no genres
        case when count(genre) > 0 then {{ distinct_list('genre') }} end as genres
    from tracks
    group by pair_key

),

-- A track that also has a genre to train on is no longer excluded.
one_row_each as (

    select *
    from tracks
    qualify row_number() over (
        partition by track_id
        order by
            is_excluded asc nulls last,
            popularity desc nulls last,
            genre asc nulls last,
            line_number asc nulls last
    ) = 1

),

ranked as (

    select
        *,
        row_number() over (
            partition by track_name, artists order by is_excluded asc nulls last, {{ var('pair_keep_rule') }}
        ) as rank_in_pair
    from one_row_each

)

select
    ranked.track_id,
    ranked.pair_key,
    ranked.track_name,
    ranked.artists,
    ranked.album_name,
    genres.genres,
    ranked.popularity,
    ranked.duration_ms,
    ranked.danceability,
    ranked.energy,
    ranked.key,
    ranked.loudness,
    ranked.mode,
    ranked.speechiness,
    ranked.acousticness,
    ranked.instrumentalness,
    ranked.liveness,
    ranked.valence,
    ranked.tempo,
    ranked.time_signature,
    ranked.explicit,
    coalesce(lower(trim(ranked.album_name)) = lower(trim(ranked.track_name)), false) as is_single,
    ranked.is_excluded,
    ranked.rank_in_pair = 1 and not ranked.is_excluded as is_pair_representative,
    ranked.line_number
from ranked
inner join genres
    on ranked.pair_key = genres.pair_key
