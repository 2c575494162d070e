-- depends_on: {{ ref('challengers') }}
(model_id, track_uris, track_uri) as {{ needs_runtime(
    'onnx_next_song_score', ['track_uris', 'track_uri'], 'double', 'fct_playlist_next_songs'
) }}
