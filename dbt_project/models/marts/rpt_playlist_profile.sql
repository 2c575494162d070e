with entries as (

    select
        entries.playlist_id,
        entries.position,
        entries.track_uri,
        tracks.artist_uri,
        tracks.album_uri,
        tracks.duration_ms,
        sound.energy,
        sound.valence,
        sound.danceability,
        sound.tempo
    from {{ ref('stg_mpd__playlist_tracks') }} as entries
    inner join {{ ref('stg_mpd__tracks') }} as tracks
        on entries.track_uri = tracks.track_uri
    left join {{ ref('dim_tracks') }} as sound
        on entries.track_uri = 'spotify:track:' || sound.track_id

),

artists as (

    select
        playlist_id,
        artist_uri,
        count(*) as entries
    from entries
    group by playlist_id, artist_uri

),

by_artist as (

    select
        playlist_id,
        max(entries) as most_entries
    from artists
    group by playlist_id

)

select
    playlists.playlist_id,
    playlists.title,
    playlists.follower_count,
    count(entries.track_uri) as tracks,
    count(distinct entries.artist_uri) as artists,
    count(distinct entries.album_uri) as albums,
    cast(any_value(by_artist.most_entries) as double)
    / nullif(count(entries.track_uri), 0) as top_artist_share,
    cast(coalesce(sum(entries.duration_ms), 0) as double) / 60000 as minutes,
    count(entries.energy) as tracks_with_sound,
    avg(entries.energy) as mean_energy,
    -- from the first track to the last, by linear regression
    case
        when count(entries.energy) >= 10
            then
                regr_slope(entries.energy, entries.position)
                * (max(entries.position) - min(entries.position))
    end as energy_change,
    avg(entries.valence) as mean_valence,
    avg(entries.danceability) as mean_danceability,
    avg(entries.tempo) as mean_tempo
from {{ ref('stg_mpd__playlists') }} as playlists
left join entries
    on playlists.playlist_id = entries.playlist_id
left join by_artist
    on playlists.playlist_id = by_artist.playlist_id
group by playlists.playlist_id, playlists.title, playlists.follower_count
