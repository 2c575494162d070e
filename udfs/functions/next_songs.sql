-- depends_on: {{ function('onnx_next_songs') }}
(track_uris, k) as onnx_next_songs({{ champion('next_song') }}, track_uris, cast([] as varchar[]), k)
