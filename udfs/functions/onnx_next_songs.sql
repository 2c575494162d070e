-- depends_on: {{ ref('challengers') }}
(model_id, track_uris, title_words, k) as case
    when track_uris is not null and title_words is not null and k is not null
        then {{ needs_runtime('onnx_next_songs', song_list(), 'fct_playlist_next_songs') }}
end
