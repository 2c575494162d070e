{{
    config(
        unique_key='song_id',
        incremental_strategy='delete+insert',
        post_hook="{{ delete_gone('song_id', ref('int_chart_songs')) }}"
    )
}}

{{ predictions(
    ref('int_chart_songs'),
    'song_id',
    [
        {'name': 'log_streams', 'task': 'log_streams', 'function': function('predict_log_streams')},
        {'name': 'streams', 'task': 'log_streams', 'function': function('predict_streams')},
        {
            'name': 'log_streams_context',
            'task': 'log_streams_context',
            'function': function('predict_log_streams_context'),
        },
    ],
) }}
