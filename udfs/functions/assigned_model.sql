-- depends_on: {{ ref('traffic') }}
{{ parameters(['task_name', 'key']) }} {{ assigned() }}
