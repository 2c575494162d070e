{{
    config(
        unique_key='playlist_id',
        incremental_strategy='delete+insert',
        post_hook=[
            "{{ delete_gone('playlist_id', ref('stg_mpd__playlists')) }}",
            "{{ delete_of_others('next_song') }}",
        ]
    )
}}

with champions as (

    select model_id as next_song_model_id
    from {{ ref('champions') }}
    where task = 'next_song'

),

tracks as (

    select
        playlist_id,
        list(track_uri order by position) as track_uris
    from {{ ref('stg_mpd__playlist_tracks') }}
    group by playlist_id

),

playlists as (

    select
        titles.playlist_id,
        md5(
            coalesce(array_to_string(tracks.track_uris, '|'), '')
            || '|' || array_to_string(titles.title_words, ' ')
        ) as inputs_hash
    from {{ ref('int_playlists') }} as titles
    left join tracks
        on titles.playlist_id = tracks.playlist_id

),

scored as (

    select
        playlists.playlist_id,
        unnest({{ function('next_songs_for_playlist') }}(playlists.playlist_id, 10)) as song,
        champions.next_song_model_id,
        playlists.inputs_hash,
        {{ utc_now() }} as predicted_at
    from playlists
    cross join champions
    {%- if is_incremental() %}
    where {{ not_predicted('playlist_id', 'playlists', ['next_song_model_id']) }}
    {%- endif %}

)

select
    playlist_id,
    song.rank as song_rank,
    song.track_uri,
    song.score,
    next_song_model_id,
    inputs_hash,
    predicted_at
from scored
