-- In which range of energy and tempo are a genre's tracks most popular?
-- Shape: up to 20 rows: energy_from DOUBLE, tempo_from DOUBLE, tracks BIGINT, mean_popularity DOUBLE,
-- standard_error DOUBLE, predicted_popularity DOUBLE.
select
    floor(tracks.energy * 5) / 5 as energy_from,
    floor(tracks.tempo / 20) * 20 as tempo_from,
    count(*) as tracks,
    avg(tracks.popularity) as mean_popularity,
    stddev_samp(tracks.popularity) / sqrt(count(*)) as standard_error,
    avg(predictions.popularity) as predicted_popularity
from dim_tracks as tracks
inner join fct_track_predictions as predictions
    on tracks.track_id = predictions.track_id
where
    tracks.is_pair_representative
    and tracks.tempo is not null
    and list_contains(tracks.genres, 'pop')
group by energy_from, tempo_from
having count(*) >= 5
order by mean_popularity desc, energy_from asc, tempo_from asc
limit 20
