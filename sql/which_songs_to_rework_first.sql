-- Which songs just below the hit cut should be reworked first, if there is time for 20 changes?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, popularity BIGINT, changes BIGINT,
-- estimate DOUBLE, estimate_after DOUBLE, judged DOUBLE, changes_so_far BIGINT, what_to_do VARCHAR. The
-- songs with most points per change by the held-out evaluator come first. A song is left out if the model's
-- estimate stays below its popularity even after the changes.
with songs as (

    select
        track_id,
        count(*) as changes,
        any_value(popularity_before) as estimate,
        any_value(popularity_after) as estimate_after,
        any_value(judged_delta) as judged,
        string_agg(
            feature || ' ' || round(value_before, 2) || ' to ' || round(value_after, 2), ', '
            order by change_rank
        ) as what_to_do
    from fct_song_optimizations
    where change_rank > 0
    group by track_id

),

ranked as (

    select
        songs.*,
        tracks.track_name,
        tracks.artists,
        tracks.popularity,
        cast(
            sum(songs.changes) over (order by songs.judged / songs.changes desc, songs.track_id asc) as bigint
        ) as changes_so_far
    from songs
    inner join dim_tracks as tracks
        on songs.track_id = tracks.track_id
    where songs.judged > 0 and songs.estimate_after > tracks.popularity

)

select
    track_name,
    artists,
    popularity,
    changes,
    round(estimate, 1) as estimate,
    round(estimate_after, 1) as estimate_after,
    round(judged, 1) as judged,
    changes_so_far,
    what_to_do
from ranked
where changes_so_far <= 20
order by changes_so_far
