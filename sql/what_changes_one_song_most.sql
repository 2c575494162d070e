-- Which single change of its sound would change one song's hit probability most?
-- Shape: 8 rows, one for each feature and direction: feature VARCHAR, change DOUBLE, hit_before DOUBLE,
-- hit_after DOUBLE, effect DOUBLE. A step is half the standard deviation of all tracks.
with song as (

    select
        0.55 as danceability,
        0.62 as energy,
        0.40 as valence,
        98.0 as tempo

),

steps as (

    select
        feature,
        unnest([-1, 1]) * all_sd / 2 as change
    from rpt_feature_benchmarks
    where entity = 'tracks' and feature in ('danceability', 'energy', 'valence', 'tempo')

),

changed as (

    select
        feature,
        change,
        danceability + case feature when 'danceability' then change else 0 end as danceability,
        energy + case feature when 'energy' then change else 0 end as energy,
        valence + case feature when 'valence' then change else 0 end as valence,
        tempo + case feature when 'tempo' then change else 0 end as tempo
    from song
    cross join steps

),

scored as (

    select
        changed.feature,
        changed.change,
        predict_hit(song) as hit_before,
        predict_hit(changed) as hit_after
    from changed
    cross join song

)

select
    *,
    hit_after - hit_before as effect
from scored
order by abs(effect) desc, feature asc, change asc
