-- depends_on: {{ ref('challengers') }}, {{ ref('explanation_backgrounds') }}
{{ parameters(['task_name', 'model_id', 'features', 'output']) }} {{ explained() }}
