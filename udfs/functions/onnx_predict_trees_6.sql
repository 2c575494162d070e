{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} {{ scored_by_kind(
    'onnx_predict_trees_6',
    "served.kind = 'trees' and served.depth <= 6",
    ['roots', 'features', 'thresholds', 'next', 'leaves', 'intercepts'],
    tree_scores_by_level('o.model', 'o.x', 6)
) }},
{{ form_by_members('onnx_predict_trees_6') }}
