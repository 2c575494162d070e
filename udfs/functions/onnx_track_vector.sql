-- depends_on: {{ ref('challengers') }}
(model_id, track_uri) as case
    when track_uri is not null
        then {{ needs_runtime('onnx_track_vector', 'float[]', 'fct_track_vectors') }}
end
