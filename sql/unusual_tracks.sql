-- Which popular tracks are unusual, so that their predictions are less reliable?
-- Shape: up to 20 rows: track_name VARCHAR, artists VARCHAR, popularity BIGINT, findings VARCHAR.
with tracks as (

    select *
    from dim_tracks
    where is_pair_representative
    order by popularity desc, track_id asc
    limit 2000

),

checked as (

    select
        tracks.track_id,
        tracks.track_name,
        tracks.artists,
        tracks.popularity,
        array_to_string(check_popularity(tracks), '; ') as findings
    from tracks

)

select
    track_name,
    artists,
    popularity,
    findings
from checked
where findings <> ''
order by popularity desc, track_id asc
limit 20
