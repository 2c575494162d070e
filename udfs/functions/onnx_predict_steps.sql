{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} {{ scored_by_kind(
    'onnx_predict_steps',
    "served.kind = 'steps'",
    [
        'inputs', 'steps', 'further_steps', 'ensembles', 'roots', 'depth', 'features', 'thresholds', 'next', 'leaves'
    ],
    step_scores('o.model', 'o.x'),
    lacks_features('o')
) }},
{{ form_by_members('onnx_predict_steps') }}
