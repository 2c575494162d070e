-- How popular would each preset be, and which three changes would help it most?
-- Shape: 3 rows, one for each preset: preset VARCHAR, popularity_before DOUBLE, popularity_after DOUBLE,
-- judged_delta DOUBLE, distance_before DOUBLE, distance_after DOUBLE, sentence VARCHAR. Distances are to the
-- nearest of 512 real tracks in the model, in standard deviations.
-- Needs ONNX Runtime: udfs.register(connection).
with songs as (

    select
        *,
        string_split(genres_text, ';') as genres
    from staging.song_presets

),

advised as (

    select
        preset,
        optimize_song(songs) as advice
    from songs

)

select
    preset,
    round(advice.popularity_before, 1) as popularity_before,
    round(advice.popularity_after, 1) as popularity_after,
    round(advice.judged_delta, 1) as judged_delta,
    round(advice.distance_before, 2) as distance_before,
    round(advice.distance_after, 2) as distance_after,
    describe_changes(advice) as sentence
from advised
order by preset
