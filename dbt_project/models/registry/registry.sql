{% for task in tasks() -%}
select
    * exclude (refusal),
    'trained' as origin
from {{ ref('train_' ~ task) }}
where refusal is null
union all by name
{% endfor -%}
select
    * exclude (refusal),
    'registered' as origin
from {{ source('ml', 'registered_models') }}
