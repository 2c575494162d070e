-- Which genres sound like hits but have few of them?
-- Shape: up to 15 rows: genre VARCHAR, tracks BIGINT, mean_popularity DOUBLE, hit_share DOUBLE,
-- predicted_hit_share DOUBLE, missing_hits DOUBLE. The champion uses the sound, not the genre.
select
    genre,
    tracks,
    mean_popularity,
    hit_share,
    predicted_hit_share,
    tracks * (predicted_hit_share - hit_share) as missing_hits
from rpt_genre_profile
where predicted_hit_share > hit_share
order by missing_hits desc, genre asc
limit 15
