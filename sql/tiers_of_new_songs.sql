-- Which commercial tier would a new song reach, with which probability, and would another genre help?
-- Shape: 4 rows, one for each choice of genres: genres VARCHAR[], tier VARCHAR, p_flop DOUBLE, p_mid DOUBLE,
-- p_hit DOUBLE, p_viral DOUBLE, unusual VARCHAR[].
with songs as (

    select
        0.71 as danceability,
        0.83 as energy,
        -4.8 as loudness,
        0.05 as speechiness,
        0.08 as acousticness,
        0.0 as instrumentalness,
        0.12 as liveness,
        0.52 as valence,
        124.0 as tempo,
        205000 as duration_ms,
        false as explicit,
        true as is_single,
        unnest([['pop'], ['latino'], ['techno'], ['techno', 'latino']]) as genres

),

scored as (

    select
        songs.genres,
        predict_tier(songs) as tier,
        predict_tier_proba(songs) as chances,
        check_tier(songs) as unusual
    from songs

)

select
    genres,
    tier,
    chances.flop as p_flop,
    chances.mid as p_mid,
    chances.hit as p_hit,
    chances.viral as p_viral,
    unusual
from scored
order by p_flop, genres
