-- depends_on: {{ function('onnx_track_vector') }}
{{ parameters(['track_uri']) }} onnx_track_vector({{ champion('next_song') }}, track_uri)
