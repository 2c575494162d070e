-- depends_on: {{ ref('int_explanation_backgrounds') }}
{{ parameters(['task_name', 'model_id', 'features', 'output']) }} {{ explained() }}
