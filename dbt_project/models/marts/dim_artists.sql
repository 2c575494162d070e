-- One row for each artist of each representative track and of each chart song.
with credits as (

    select
        tracks.track_id,
        null as song_id,
        cast(names.value as varchar) as artist
    from {{ ref('dim_tracks') }} as tracks
    {{ each("split(tracks.artists, ';')", 'names') }}
    where tracks.is_pair_representative
    union all
    select
        null as track_id,
        songs.song_id,
        cast(names.value as varchar) as artist
    from {{ ref('dim_songs') }} as songs
    {{ each("split(songs.artists, ',')", 'names') }}

),

-- An artist who is credited twice for a song counts once.
artists as (

    select
        md5(lower(trim(artist))) as artist_id,
        track_id,
        song_id,
        min(trim(artist)) as artist_name
    from credits
    where trim(artist) <> ''
    group by artist_id, track_id, song_id

),

artist_genres as (

    select distinct
        artists.artist_id,
        cast(genres.value as varchar) as genre
    from artists
    inner join {{ ref('dim_tracks') }} as tracks
        on artists.track_id = tracks.track_id
    {{ each('tracks.genres', 'genres') }}

),

genres as (

    select
        artist_id,
        {{ joined_text('genre', ', ', 'genre') }} as genres_text
    from artist_genres
    group by artist_id

)

select
    artists.artist_id,
    min(artists.artist_name) as artist_name,
    count(artists.track_id) as tracks,
    avg(cast(tracks.popularity as double)) as mean_popularity,
    max(tracks.popularity) as max_popularity,
    count(case when tracks.popularity >= {{ var('hit_cut') }} then 1 end) as hits,
    any_value(genres.genres_text) as genres_text,
    avg(predictions.hit_probability) as mean_hit_probability,
    count(artists.song_id) as chart_songs,
    cast(coalesce(sum(songs.streams), 0) as bigint) as streams
from artists
left join {{ ref('dim_tracks') }} as tracks
    on artists.track_id = tracks.track_id
left join {{ ref('fct_track_predictions') }} as predictions
    on artists.track_id = predictions.track_id
left join {{ ref('dim_songs') }} as songs
    on artists.song_id = songs.song_id
left join genres
    on artists.artist_id = genres.artist_id
group by artists.artist_id
