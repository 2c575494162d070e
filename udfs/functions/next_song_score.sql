-- depends_on: {{ function('onnx_next_song_score') }}
(track_uris, track_uri) as onnx_next_song_score({{ champion('next_song') }}, track_uris, track_uri)
