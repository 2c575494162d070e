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

-- depends_on: {{ function('onnx_next_songs') }}
with champions as (

    select model_id as next_song_model_id
    from {{ ref('champions') }}
    where task = 'next_song'

),

tracks as (

    select
        playlist_id,
        {{ list_of('track_uri', 'position') }} as track_uris
    from {{ ref('stg_mpd__playlist_tracks') }}
    group by playlist_id

),

playlists as (

    select
        titles.playlist_id,
        titles.title_words,
        coalesce(tracks.track_uris, {{ empty_list('varchar') }}) as track_uris,
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
        onnx_next_songs(
            champions.next_song_model_id, playlists.track_uris, playlists.title_words, 10
        ) as songs,
        champions.next_song_model_id,
        playlists.inputs_hash,
        {{ utc_now() }} as predicted_at
    from playlists
    cross join champions
    {%- if is_incremental() %}
    {{ not_predicted('playlist_id', 'playlists', ['next_song_model_id']) }}
    {%- endif %}

)

select
    scored.playlist_id,
    {{ field('song.value', 'rank', 'integer') }} as song_rank,
    {{ field('song.value', 'track_uri') }} as track_uri,
    {{ field('song.value', 'score', 'double') }} as score,
    scored.next_song_model_id,
    scored.inputs_hash,
    scored.predicted_at
from scored
{{ each('scored.songs', 'song') }}
