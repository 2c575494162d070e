-- depends_on: {{ function('onnx_next_songs') }}, {{ ref('stg_mpd__playlist_tracks') }}, {{ ref('stg_mpd__playlists') }}
{{ parameters(['playlist', 'k'] + song_options()) }} {% call from_own_file(song_list()) %}
{{ songs_for_playlist() }}
{% endcall %}
