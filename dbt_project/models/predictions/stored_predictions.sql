{{ config(schema='ml', materialized='view') }}

{% for name, task in tasks().items() -%}
{% set is_last_task = loop.last -%}
{% for table in task.predictions -%}
select
    '{{ table }}' as table_name,
    '{{ name }}' as task,
    {{ name }}_model_id as model_id,
    count(*) as row_count
from {{ ref(table) }}
group by {{ name }}_model_id
{% if not (is_last_task and loop.last) %}union all{% endif %}
{% endfor -%}
{% endfor %}
