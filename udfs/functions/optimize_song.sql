-- depends_on: {{ function('onnx_optimize_song') }}, {{ ref('genres') }}
{{ optimize_song_overloads() }}
