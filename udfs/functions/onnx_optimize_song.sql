-- depends_on: {{ ref('challengers') }}
{{ parameters(['model_id', 'judge_model_id', 'song', 'lows', 'highs', 'max_changes', 'max_features', 'penalty', 'steps']) }} {{ needs_runtime(
    'onnx_optimize_song',
    ['judge_model_id', 'song', 'lows', 'highs', 'max_changes', 'max_features', 'penalty', 'steps'],
    optimization(),
    'fct_song_optimizations'
) }}
