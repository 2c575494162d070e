-- depends_on: {{ function('onnx_next_song_score') }}
{{ parameters(['track_uris', 'track_uri']) }} onnx_next_song_score({{ champion('next_song') }}, {{ as_list('track_uris') }}, track_uri)
