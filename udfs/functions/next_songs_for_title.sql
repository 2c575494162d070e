-- depends_on: {{ function('onnx_next_songs') }}
{{ parameters(['title', 'k'] + song_options()) }} onnx_next_songs(
    {{ champion('next_song') }},
    case when title is not null then {{ empty_list('varchar') }} end,
    {{ title_words('title') }},
    k,
    {{ given_song_options() }}
)
