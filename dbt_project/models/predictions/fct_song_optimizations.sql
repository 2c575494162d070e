{%- set asked = [optimization_defaults(), changeable()] | tojson %}
{{
    config(
        unique_key='track_id',
        incremental_strategy='delete+insert',
        post_hook=[
            "{{ delete_gone('track_id', ref('int_tracks'), songs_to_optimize()) }}",
            "{{ delete_of_others('song_optimization') }}",
        ]
    )
}}
-- depends_on: {{ ref('genres') }}
with champions as (

    select
        champions.model_id as song_optimization_model_id,
        judges.model_id as judge
    from {{ ref('champions') }} as champions
    left join {{ source('ml', 'served_models') }} as judges
        on champions.task = judges.task and judges.algorithm = 'judge' and judges.is_newest
    where champions.task = 'song_optimization'

),

songs as (

    select
        *,
        md5({{ inputs_hash(['song_optimization']) }} || '{{ asked }}') as inputs_hash
    from {{ ref('int_tracks') }}
    where {{ songs_to_optimize() }}

),

optimized as (

    select
        songs.track_id,
        {{ by_row(function('optimize_song'), 'song_optimization', 'songs') }} as advice,
        champions.song_optimization_model_id,
        champions.judge,
        songs.inputs_hash,
        {{ utc_now() }} as predicted_at
    from songs
    cross join champions
    {%- if is_incremental() %}
    {{ not_predicted('track_id', 'songs', ['song_optimization_model_id', 'judge']) }}
    {%- endif %}

)

-- A song that no change improves has one row without feature, which records that it was scored.
select
    optimized.track_id,
    coalesce({{ field('change.value', 'rank', 'integer') }}, 0) as change_rank,
    {{ field('change.value', 'feature') }} as feature,
    {{ field('change.value', 'before', 'double') }} as value_before,
    {{ field('change.value', 'after', 'double') }} as value_after,
    {{ field('change.value', 'delta', 'double') }} as delta,
    {{ field('change.value', 'effect', 'double') }} as effect,
    {{ field('optimized.advice', 'popularity_before', 'double') }} as popularity_before,
    {{ field('optimized.advice', 'popularity_after', 'double') }} as popularity_after,
    {{ field('optimized.advice', 'popularity_delta', 'double') }} as popularity_delta,
    {{ field('optimized.advice', 'judged_delta', 'double') }} as judged_delta,
    {{ field('optimized.advice', 'distance_before', 'double') }} as distance_before,
    {{ field('optimized.advice', 'distance_after', 'double') }} as distance_after,
    optimized.song_optimization_model_id,
    optimized.judge,
    optimized.inputs_hash,
    optimized.predicted_at
from optimized
{{ each(field('optimized.advice', 'changes', 'list'), 'change', outer=true) }}
