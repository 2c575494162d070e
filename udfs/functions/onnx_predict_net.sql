{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} {{ scored_by_kind(
    'onnx_predict_net', "served.kind in ('linear', 'net')", ['layers'], net_scores('o.model', 'o.x')
) }},
{{ form_by_members('onnx_predict_net') }}
