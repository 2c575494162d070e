-- depends_on: {{ function('onnx_next_songs') }}
{{ parameters(['track_uris', 'k'] + song_options()) }} onnx_next_songs(
    {{ champion('next_song') }},
    {{ as_list('track_uris') }},
    {{ empty_list('varchar') }},
    k,
    {{ given_song_options() }}
)
