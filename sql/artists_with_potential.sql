-- Which artists make songs that sound like hits but have had none yet?
-- Shape: up to 20 rows: artist_name VARCHAR, tracks BIGINT, mean_popularity DOUBLE, max_popularity BIGINT,
-- mean_hit_probability DOUBLE, genres_text VARCHAR. The model was trained on most of
-- their tracks, with the label that they are not hits.
select
    artist_name,
    tracks,
    mean_popularity,
    max_popularity,
    mean_hit_probability,
    genres_text
from dim_artists
where tracks >= 3 and hits = 0 and max_popularity > 0 and mean_hit_probability is not null
order by mean_hit_probability desc, artist_id asc
limit 20
