-- Which playlists change most in energy, and do their titles say so?
-- Shape: up to 20 rows: title VARCHAR, tracks BIGINT, minutes DOUBLE, mean_energy DOUBLE,
-- energy_change DOUBLE. The change is from the first track to the last, by linear regression, for
-- playlists with at least 30 tracks of known sound.
select
    title,
    tracks,
    round(minutes) as minutes,
    round(mean_energy, 2) as mean_energy,
    round(energy_change, 2) as energy_change
from rpt_playlist_profile
where tracks_with_sound >= 30
order by abs(energy_change) desc, playlist_id asc
limit 20
