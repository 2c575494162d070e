{{ config(enabled=has_sql_backend()) }}
-- depends_on: {{ ref('challengers') }}
{{ parameters(['plan', 'model_id', 'features', 'output']) }} {{ explained_by_plan() }}
