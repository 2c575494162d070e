{{ config(schema='ml') }}

{#- The column of predictions that a task's answers stand in. -#}
{%- set answers = {
    'hit': ['fct_track_predictions', 'hit_probability'],
    'tier': ['fct_track_predictions', 'tier'],
    'popularity': ['fct_track_predictions', 'popularity'],
    'log_streams': ['fct_song_predictions', 'log_streams'],
    'log_streams_context': ['fct_song_predictions', 'log_streams_context'],
} %}

with newest as (

    select
        task,
        feature_fingerprint
    from {{ ref('model_versions') }}
    where origin = 'trained'
    qualify row_number() over (partition by task order by trained_at desc, version desc) = 1

),

inputs as (

    {% for task in explained_tasks() -%}
    {%- for input in encode(task) %}
    {%- if input.block is defined %}
    select
        '{{ task }}' as task,
        '{{ input.name }}' as name,
        cast(null as double) as value,
        cast(member.value as varchar) as label
    from {{ ref('feat_' ~ task) }} as examples
    inner join {{ ref('int_tracks') }} as tracks
        on examples.track_id = tracks.track_id
    {{ each('tracks.' ~ input.name, 'member') }}
    {%- else %}
    select
        '{{ task }}' as task,
        '{{ input.name }}' as name,
        {{ input.name }} as value,
        cast(null as varchar) as label
    from {{ ref('feat_' ~ task) }}
    {%- endif %}
    union all
    {%- endfor %}
    {%- endfor %}
    select
        cast(null as varchar) as task,
        cast(null as varchar) as name,
        cast(null as double) as value,
        cast(null as varchar) as label
    where false

)

select
    'feature' as kind,
    inputs.task,
    newest.feature_fingerprint as reference,
    inputs.name,
    inputs.value,
    inputs.label
from inputs
inner join newest
    on inputs.task = newest.task
{% for task, (table, column) in answers.items() -%}
union all
select
    'prediction' as kind,
    '{{ task }}' as task,
    {{ task }}_model_id as reference,
    '{{ column }}' as name,
    {{ 'cast(null as double)' if task == 'tier' else column }} as value,
    {{ column if task == 'tier' else 'cast(null as varchar)' }} as label
from {{ ref(table) }}
where {{ task }}_model_id is not null and {{ column }} is not null
{% endfor %}
