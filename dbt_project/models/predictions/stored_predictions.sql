{{ config(schema='ml', materialized='view') }}

{% for name, table in tables_of_predictions() -%}
select
    '{{ table }}' as table_name,
    '{{ name }}' as task,
    {{ name }}_model_id as model_id,
    count(*) as row_count
from {{ ref(table) }}
group by {{ name }}_model_id
{% if not loop.last %}union all{% endif %}
{% endfor %}
