{{
    config(
        unique_key='track_uri',
        incremental_strategy='delete+insert',
        post_hook=[
            "{{ delete_gone('track_uri', ref('feat_next_song_tracks')) }}",
            "{{ delete_of_others('next_song') }}",
        ]
    )
}}

with champions as (

    select model_id as next_song_model_id
    from {{ ref('champions') }}
    where task = 'next_song'

)

-- A champion without vectors stores NULLs with its id, so the next champion scores these rows again.
select
    tracks.track_uri,
    {{ function('track_vector') }}(tracks.track_uri) as vector,
    champions.next_song_model_id,
    {{ utc_now() }} as predicted_at
from {{ ref('feat_next_song_tracks') }} as tracks
cross join champions
{%- if is_incremental() %}
{{ not_predicted('track_uri', 'tracks', ['next_song_model_id'], is_hashed=false) }}
{%- endif %}
