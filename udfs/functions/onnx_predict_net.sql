{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} {{ scored_by_kind(
    'onnx_predict_net',
    "served.kind in ('linear', 'net') and served.inputs[1].type <> 'float64'",
    ['layers'],
    net_scores('o.model', floats('o.x'))
) }},
{{ form_by_members('onnx_predict_net') }}
