-- depends_on: {{ function('onnx_next_songs') }}
(title, k) as onnx_next_songs(
    {{ champion('next_song') }},
    case when title is not null then cast([] as varchar[]) end,
    {{ title_words('title') }},
    k
)
