-- depends_on: {{ ref('feat_next_song_tracks') }}
{{ parameters(['track_uris']) }} {{ unknown_tracks() }}
