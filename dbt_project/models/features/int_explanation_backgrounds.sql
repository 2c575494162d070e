{%- set rows = explanation_backgrounds() %}

-- depends_on: {{ ref('genres') }}, {{ ref('int_tracks') }}, {{ ref('int_chart_songs') }}
{% for task in explained_tasks() -%}
{%- set is_of_tracks = tasks()[task].source == 'tracks' -%}
select
    '{{ task }}' as task,
    {{ encoded_list(task) }} as features,
    chosen.place
from (
    select
        *,
        row_number() over (order by md5(pair_key), pair_key) as place
    from {{ ref('int_tracks') if is_of_tracks else ref('int_chart_songs') }}
    where
        {{ has_all_inputs(task) }}
        {%- if is_of_tracks %}
        and is_pair_representative
        {%- endif %}
) as chosen
where chosen.place <= {{ rows }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
