with songs as (

    select
        *,
        {{ pair_key('track_name', 'artists') }} as pair_key
    from {{ ref('stg_kaggle__chart_songs') }}

),

-- A few songs occur twice in the chart with conflicting values. Both rows are kept, with different ranks.
ranked as (

    select
        *,
        row_number() over (
            partition by pair_key
            order by
                streams desc nulls last,
                released_on asc nulls last,
                bpm asc nulls last,
                line_number asc nulls last
        ) as rank_in_pair
    from songs

)

select
    md5(pair_key || '|' || rank_in_pair) as song_id,
    pair_key,
    track_name,
    artists,
    artist_count,
    released_on,
    released_year,
    released_month,
    released_day,
    streams,
    bpm,
    key,
    mode,
    danceability_pct,
    valence_pct,
    energy_pct,
    acousticness_pct,
    instrumentalness_pct,
    liveness_pct,
    speechiness_pct,
    in_spotify_playlists,
    in_spotify_charts,
    in_apple_playlists,
    in_apple_charts,
    in_deezer_playlists,
    in_deezer_charts,
    in_shazam_charts,
    line_number
from ranked
