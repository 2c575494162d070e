-- depends_on: {{ function('onnx_track_vector') }}
(track_uri) as onnx_track_vector({{ champion('next_song') }}, track_uri)
