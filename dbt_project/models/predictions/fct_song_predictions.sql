{{
    config(
        unique_key='song_id',
        incremental_strategy='delete+insert',
        post_hook="{{ delete_stale('song_id', ref('int_chart_songs'), 'log_streams') }}"
    )
}}

with songs as (

    select
        *,
        {{ inputs_hash(['log_streams'], '') }} as inputs_hash
    from {{ ref('int_chart_songs') }}

),

log_streams as (

    select model_id
    from {{ ref('champions') }}
    where task = 'log_streams'

)

select
    songs.song_id,
    {{ function('predict_log_streams') }}(songs) as log_streams,
    {{ function('predict_streams') }}(songs) as streams,
    log_streams.model_id as log_streams_model_id,
    songs.inputs_hash,
    {{ utc_now() }} as predicted_at
from songs
cross join log_streams
{% if is_incremental() %}
where
    not exists (
        select 1
        from {{ this }} as predicted
        where
            predicted.song_id = songs.song_id
            and predicted.inputs_hash = songs.inputs_hash
            and predicted.log_streams_model_id = log_streams.model_id
    )
{% endif %}
