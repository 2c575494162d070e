-- Which changes would make one song more popular, and how much would each add?
-- Shape: up to 3 rows, one for each change: feature VARCHAR, value_before DOUBLE, value_after DOUBLE,
-- effect DOUBLE, popularity_before DOUBLE, popularity_after DOUBLE, judged_delta DOUBLE, sentence VARCHAR.
-- judged_delta comes from the held-out evaluator, which was trained on other artists than the model.
-- Needs ONNX Runtime: udfs.register(connection).
with song as (

    select *
    from dim_tracks
    where is_pair_representative and popularity between 50 and 59
    order by track_id
    limit 1

),

advised as (

    select optimize_song(song) as advice
    from song

),

changes as (

    select
        advice,
        unnest(advice.changes) as change
    from advised

)

select
    change.feature,
    round(change.before, 3) as value_before,
    round(change.after, 3) as value_after,
    round(change.effect, 2) as effect,
    round(advice.popularity_before, 1) as popularity_before,
    round(advice.popularity_after, 1) as popularity_after,
    round(advice.judged_delta, 1) as judged_delta,
    describe_changes(advice) as sentence
from changes
order by change.rank
