with genre_tracks as (

    select
        tracks.*,
        cast(genres.value as varchar) as genre,
        predictions.hit_probability,
        predictions.popularity as predicted_popularity
    from {{ ref('dim_tracks') }} as tracks
    left join {{ ref('fct_track_predictions') }} as predictions
        on tracks.track_id = predictions.track_id
    {{ each('tracks.genres', 'genres') }}
    where tracks.is_pair_representative

)

select
    genre,
    count(*) as tracks,
    avg(cast(popularity as double)) as mean_popularity,
    median(cast(popularity as double)) as median_popularity,
    avg(cast(case when popularity >= {{ var('hit_cut') }} then 1 else 0 end as double)) as hit_share,
    {%- for input in audio_inputs('') %}
    avg({{ input.name }}) as mean_{{ input.name }},
    {%- endfor %}
    avg(cast(duration_ms as double)) as mean_duration_ms,
    avg(cast(case when explicit then 1 else 0 end as double)) as explicit_share,
    avg(hit_probability) as predicted_hit_share,
    avg(predicted_popularity) as predicted_popularity
from genre_tracks
group by genre
