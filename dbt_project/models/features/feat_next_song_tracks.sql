with plays as (

    select
        entries.track_uri,
        count(case when playlists.fold <> 0 then 1 end) as play_count
    from {{ ref('stg_mpd__playlist_tracks') }} as entries
    inner join {{ ref('int_playlists') }} as playlists
        on entries.playlist_id = playlists.playlist_id
    group by entries.track_uri

),

numbered as (

    select
        tracks.track_uri,
        tracks.artist_uri,
        tracks.album_uri,
        tracks.artist_uri || ' ' || {{ song_title('tracks.track_name') }} as song,
        plays.play_count,
        row_number() over (
            order by plays.play_count desc nulls last, tracks.track_uri asc nulls last
        ) - 1 as track_number
    from {{ ref('stg_mpd__tracks') }} as tracks
    inner join plays
        on tracks.track_uri = plays.track_uri

)

select
    cast(numbered.track_number as integer) as track_number,
    numbered.track_uri,
    numbered.artist_uri,
    numbered.album_uri,
    numbered.song,
    numbered.play_count,
    {%- for input in audio_inputs('sound.') %}
    {{ input.expression }} as {{ input.name }}{% if not loop.last %},{% endif %}
    {%- endfor %}
from numbered
left join {{ ref('int_tracks') }} as sound
    on numbered.track_uri = 'spotify:track:' || sound.track_id
where numbered.track_number < {{ var('next_song_tracks') }}
