-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'track_uris', 'title_words', 'k'] + song_options()) }} {{ needs_runtime(
    'onnx_next_songs', ['track_uris', 'title_words', 'k'], song_list(), 'fct_playlist_next_songs'
) }}
