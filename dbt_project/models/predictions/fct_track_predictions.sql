{{
    config(
        unique_key='track_id',
        incremental_strategy='delete+insert',
        post_hook="{{ delete_stale('track_id', ref('int_tracks'), 'hit', 'not is_excluded') }}"
    )
}}

with tracks as (

    select
        *,
        {{ inputs_hash(['hit'], '') }} as inputs_hash
    from {{ ref('int_tracks') }}
    where not is_excluded

),

hit as (

    select model_id
    from {{ ref('champions') }}
    where task = 'hit'

)

select
    tracks.track_id,
    {{ function('predict_hit') }}(tracks) as hit_probability,
    hit.model_id as hit_model_id,
    tracks.inputs_hash,
    {{ utc_now() }} as predicted_at
from tracks
cross join hit
{% if is_incremental() %}
where
    not exists (
        select 1
        from {{ this }} as predicted
        where
            predicted.track_id = tracks.track_id
            and predicted.inputs_hash = tracks.inputs_hash
            and predicted.hit_model_id = hit.model_id
    )
{% endif %}
