{%- for task in tasks() %}
select * from {{ ref('train_' ~ task) }}
{% if not loop.last %}union all by name{% endif %}
{%- endfor %}
