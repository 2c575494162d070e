-- How do the most popular tracks of a genre differ from the rest of it?
-- Shape: up to 11 rows: feature VARCHAR, top_mean DOUBLE, rest_mean DOUBLE, difference_in_sd DOUBLE.
with genre_tracks as (

    select
        track_id,
        rank() over (order by popularity desc) <= 0.2 * count(*) over () as is_top
    from dim_tracks
    where is_pair_representative and list_contains(genres, 'pop')

),

compared as (

    select
        features.feature,
        avg(features.value) filter (where tracks.is_top) as top_mean,
        avg(features.value) filter (where not tracks.is_top) as rest_mean,
        stddev_samp(features.value) as sd
    from genre_tracks as tracks
    inner join features.int_feature_values as features
        on tracks.track_id = features.id
    where features.entity = 'tracks' and not features.is_label
    group by features.feature

)

select
    feature,
    top_mean,
    rest_mean,
    (top_mean - rest_mean) / sd as difference_in_sd
from compared
where sd > 0
order by abs(difference_in_sd) desc, feature asc
