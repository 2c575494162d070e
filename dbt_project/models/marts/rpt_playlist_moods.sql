-- Playlists with at least ten tracks of known sound, because fewer would leave a tenth empty.
with heard as (

    select
        entries.playlist_id,
        tracks.energy,
        tracks.valence,
        ntile(10) over (partition by entries.playlist_id order by entries.position asc nulls last) as tenth
    from {{ ref('stg_mpd__playlist_tracks') }} as entries
    inner join {{ ref('dim_tracks') }} as tracks
        on entries.track_uri = 'spotify:track:' || tracks.track_id
    qualify count(*) over (partition by entries.playlist_id) >= 10

),

-- Each playlist has the same weight, whatever its length.
tenths as (

    select
        playlist_id,
        tenth,
        count(*) as tracks,
        avg(energy) as energy,
        avg(valence) as valence
    from heard
    group by playlist_id, tenth

)

select
    cast(tenth as integer) as tenth,
    count(*) as playlists,
    cast(sum(tracks) as bigint) as tracks,
    avg(energy) as mean_energy,
    stddev_samp(energy) / sqrt(count(*)) as energy_standard_error,
    avg(valence) as mean_valence,
    stddev_samp(valence) / sqrt(count(*)) as valence_standard_error
from tenths
group by tenth
