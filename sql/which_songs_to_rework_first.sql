-- Which songs just below the hit cut should be reworked first, when there is time for 20 changes?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, popularity BIGINT, changes BIGINT,
-- claimed DOUBLE, judged DOUBLE, changes_so_far BIGINT, what_to_do VARCHAR. The songs with most points a
-- change by the judge come first.
with songs as (

    select
        track_id,
        count(*) as changes,
        any_value(popularity_delta) as claimed,
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
        *,
        cast(sum(changes) over (order by judged / changes desc, track_id asc) as bigint) as changes_so_far
    from songs
    where judged > 0

)

select
    tracks.track_name,
    tracks.artists,
    tracks.popularity,
    ranked.changes,
    round(ranked.claimed, 1) as claimed,
    round(ranked.judged, 1) as judged,
    ranked.changes_so_far,
    ranked.what_to_do
from ranked
inner join dim_tracks as tracks
    on ranked.track_id = tracks.track_id
where ranked.changes_so_far <= 20
order by ranked.changes_so_far
