-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'track_uris', 'track_uri']) }} {{ needs_runtime(
    'onnx_next_song_score', ['track_uris', 'track_uri'], 'double', 'fct_playlist_next_songs'
) }}
