{%- set sources = {
    'chart_songs': ref('base_kaggle__chart_songs'),
    'tracks': ref('base_kaggle__tracks'),
} -%}

{% for source, base in sources.items() %}
select
    '{{ source }}' as source,
    line_number,
    content,
    rule,
    reason
from {{ base }}
where rule is not null
{% if not loop.last %}union all{% endif %}
{% endfor %}
