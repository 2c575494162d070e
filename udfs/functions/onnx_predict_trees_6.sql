{{ config(enabled=has_sql_backend()) }}

-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'features']) }} {{ scored_trees(6) }},
{{ form_by_members('onnx_predict_trees_6') }}
