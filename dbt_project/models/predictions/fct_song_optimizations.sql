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
        model_id as song_optimization_model_id,
        {{ newest('song_optimization', "'judge'") }} as judge
    from {{ ref('champions') }}
    where task = 'song_optimization'

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
        {{ function('optimize_song') }}(songs) as advice,
        champions.song_optimization_model_id,
        champions.judge,
        songs.inputs_hash,
        {{ utc_now() }} as predicted_at
    from songs
    cross join champions
    {%- if is_incremental() %}
    where {{ not_predicted('track_id', 'songs', ['song_optimization_model_id', 'judge']) }}
    {%- endif %}

),

-- A song that no change would help has one row without feature, so that it is known to have been asked for.
changes as (

    select
        *,
        unnest(case when len(advice.changes) > 0 then advice.changes else [null] end) as change
    from optimized

)

select
    track_id,
    coalesce(change.rank, 0) as change_rank,
    change.feature,
    change.before as value_before,
    change.after as value_after,
    change.delta,
    change.effect,
    advice.popularity_before,
    advice.popularity_after,
    advice.popularity_delta,
    advice.judged_delta,
    advice.distance_before,
    advice.distance_after,
    song_optimization_model_id,
    judge,
    inputs_hash,
    predicted_at
from changes
