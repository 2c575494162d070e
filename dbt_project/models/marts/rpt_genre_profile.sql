with genre_tracks as (

    select
        tracks.*,
        unnest(tracks.genres) as genre,
        predictions.hit_probability,
        predictions.popularity as predicted_popularity
    from {{ ref('dim_tracks') }} as tracks
    left join {{ ref('fct_track_predictions') }} as predictions
        on tracks.track_id = predictions.track_id
    where tracks.is_pair_representative

)

select
    genre,
    count(*) as tracks,
    avg(popularity) as mean_popularity,
    median(popularity) as median_popularity,
    avg(cast(popularity >= {{ var('hit_cut') }} as integer)) as hit_share,
    {%- for input in encode_audio('') %}
    avg({{ input.name }}) as mean_{{ input.name }},
    {%- endfor %}
    avg(duration_ms) as mean_duration_ms,
    avg(cast(explicit as integer)) as explicit_share,
    avg(hit_probability) as predicted_hit_share,
    avg(predicted_popularity) as predicted_popularity
from genre_tracks
group by genre
