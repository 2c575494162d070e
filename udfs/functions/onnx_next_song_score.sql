-- depends_on: {{ ref('challengers') }}
(model_id, track_uris, track_uri) as case
    when track_uris is not null and track_uri is not null
        then {{ needs_runtime('onnx_next_song_score', 'double', 'fct_playlist_next_songs') }}
end
