-- Do playlists begin energetic and wind down?
-- Shape: ten rows, from the beginning of playlists to their end: tenth INTEGER, playlists BIGINT,
-- mean_energy DOUBLE, against_the_beginning DOUBLE, mean_valence DOUBLE, bar VARCHAR.
select
    tenth,
    playlists,
    round(mean_energy, 3) as mean_energy,
    round(mean_energy - first_value(mean_energy) over (order by tenth), 3) as against_the_beginning,
    round(mean_valence, 3) as mean_valence,
    bar(mean_energy, 0, 1, 40) as bar
from rpt_playlist_moods
order by tenth asc
