-- depends_on: {{ ref('challengers') }}
(model_id, track_uri) as {{ needs_runtime(
    'onnx_track_vector', ['track_uri'], 'float[]', 'fct_track_vectors'
) }}
