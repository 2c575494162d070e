{{ config(schema='ml', materialized='view') }}

{%- set columns = {
    'fct_track_predictions': ['hit', 'tier', 'popularity'],
    'fct_song_predictions': ['log_streams', 'log_streams_context'],
    'fct_playlist_next_songs': ['next_song'],
    'fct_track_vectors': ['next_song'],
    'fct_song_optimizations': ['song_optimization'],
} %}

{% for name, tasks in columns.items() -%}
{% set last_table = loop.last -%}
{% for task in tasks -%}
select
    '{{ name }}' as table_name,
    '{{ task }}' as task,
    {{ task }}_model_id as model_id,
    count(*) as row_count
from {{ ref(name) }}
group by {{ task }}_model_id
{% if not (last_table and loop.last) %}union all{% endif %}
{% endfor -%}
{% endfor %}
