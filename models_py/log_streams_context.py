"""log_streams_context: the logarithm of a chart song's streams, from audio and release context.

    dbt build --select +train_log_streams_context

As log_streams, and beside the sound what is known at release: the mode, how many artists, when,
and how long the song has been out at `charts_as_of` (dbt_project.yml).
"""

from dataclasses import replace

from models_py import log_streams

TASK = replace(
    log_streams.TASK,
    name="log_streams_context",
    inputs=(
        *log_streams.TASK.inputs,
        "mode",
        "artist_count",
        "released_year",
        "released_month",
        "log_age_days",
    ),
    outputs=("log_streams_context",),
)
