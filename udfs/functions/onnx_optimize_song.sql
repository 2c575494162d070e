-- depends_on: {{ ref('challengers') }}
(model_id, judge_model_id, song, lows, highs, max_changes, max_features, penalty, steps) as {{ needs_runtime(
    'onnx_optimize_song',
    ['judge_model_id', 'song', 'lows', 'highs', 'max_changes', 'max_features', 'penalty', 'steps'],
    optimization(),
    'fct_song_optimizations'
) }}
