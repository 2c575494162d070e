{#- One line for each task. -#}
{%- set runs = [
    ref('train_log_streams'),
    ref('train_hit'),
] -%}

{% for run in runs %}
select * from {{ run }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
