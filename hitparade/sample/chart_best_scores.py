"""Best achievable scores on the chart songs: ln(1 + streams) from the sound, and with the context.

Both parts of the truth are functions of the written inputs, which are whole numbers. Only the noise
of a song is unknown.
"""

import json

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hitparade.sample import charts
from hitparade.sample.best_scores import BestScore, rmse
from hitparade.sample.files import Columns

# The definition of each task that the scores hold for, as the registry writes it.
AUDIO = (
    "bpm",
    "danceability_pct",
    "valence_pct",
    "energy_pct",
    "acousticness_pct",
    "instrumentalness_pct",
    "liveness_pct",
    "speechiness_pct",
)
CONTEXT = ("mode", "artist_count", "released_year", "released_month", "log_age_days")
LOG_STREAMS_DEFINITION = json.dumps({"inputs": AUDIO})
LOG_STREAMS_CONTEXT_DEFINITION = json.dumps(
    {"inputs": AUDIO + CONTEXT, "charts_as_of": str(charts.SNAPSHOT)}
)


def log_streams(truth: Columns) -> BestScore:
    """Return the RMSE of E[ln(1 + streams) | eight audio features] over the readable rows.

    The context is independent of the audio, so it is replaced by its mean.
    """
    error = readable_error(truth, truth["context"].mean())
    definition = LOG_STREAMS_DEFINITION
    return BestScore("chart_songs", "log_streams", "rmse", rmse(error), len(error), definition)


def log_streams_context(truth: Columns) -> BestScore:
    """Return the RMSE of E[ln(1 + streams) | audio, mode, artists, release] over readable rows.

    `log_age_days` gives the release date back, so the context is known exactly.
    """
    error = readable_error(truth, truth["context"])
    definition = LOG_STREAMS_CONTEXT_DEFINITION
    return BestScore(
        "chart_songs", "log_streams_context", "rmse", rmse(error), len(error), definition
    )


BEST_SCORES = (log_streams, log_streams_context)


def readable_error(truth: Columns, context: ArrayLike) -> NDArray[np.float64]:
    """Return ln(1 + streams) minus its expectation, for the rows with readable streams."""
    readable = ~np.isnan(truth["log_streams"])
    return (truth["log_streams"] - expected_log_streams(truth, context))[readable]


def expected_log_streams(truth: Columns, context: ArrayLike) -> NDArray[np.float64]:
    """Return E[ln(1 + streams)] of every chart row given its audio (shape n).

    `context` is the expectation of the context part: one number, or one for each row. The outlier
    is a random readable row, which moves every expectation slightly towards it.
    """
    regular = truth["audio"] + context
    share = truth["outlier"].sum() / (len(regular) - 1)
    return (1 - share) * regular + share * np.log1p(charts.OUTLIER)
