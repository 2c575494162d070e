-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'track_uri']) }} {{ needs_runtime(
    'onnx_track_vector', ['track_uri'], 'float[]', 'fct_track_vectors'
) }}
