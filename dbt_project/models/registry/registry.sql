{% for task in tasks() -%}
select
    *,
    'trained' as origin
from {{ ref('train_' ~ task) }}
union all by name
{% endfor -%}
select
    *,
    'registered' as origin
from {{ source('ml', 'registered_models') }}
