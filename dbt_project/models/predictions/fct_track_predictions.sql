{{
    config(
        unique_key='track_id',
        incremental_strategy='delete+insert',
        post_hook="{{ delete_gone('track_id', ref('int_tracks'), 'not is_excluded') }}"
    )
}}

{{ predictions(
    ref('int_tracks'),
    'track_id',
    [
        {'name': 'hit_probability', 'task': 'hit', 'function': function('predict_hit')},
        {'name': 'tier', 'task': 'tier', 'function': function('predict_tier')},
        {'name': 'popularity', 'task': 'popularity', 'function': function('predict_popularity')},
    ],
    'not is_excluded',
) }}
