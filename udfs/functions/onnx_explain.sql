-- depends_on: {{ function('onnx_predict') }}, {{ ref('int_explanation_backgrounds') }}
{{ parameters(['task_name', 'model_id', 'features', 'output']) }} {{ explained() }}
