"""Ceilings of the tasks on the chart songs: ln(1 + streams) from the sound, and with the context.

The inputs are whole numbers as written, so both parts of the truth are functions of them; a
song's noise is all that stays unknown.
"""

import json

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hitparade.sample import charts
from hitparade.sample.best_scores import BestScore, rmse
from hitparade.sample.files import Columns

# What the ceilings hold for, as the registry writes the definition of a task.
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

    The context is independent of the audio, so its mean replaces it.
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
    """Return what ln(1 + streams) is above its expectation, of the rows that have streams."""
    readable = ~np.isnan(truth["log_streams"])
    return (truth["log_streams"] - expected_log_streams(truth, context))[readable]


def expected_log_streams(truth: Columns, context: ArrayLike) -> NDArray[np.float64]:
    """Return E[ln(1 + streams)] of every chart row given its audio (shape n).

    `context` is the expectation of the context part: one number, or one for each row. The outlier
    fell on one of the readable rows at random, which draws every expectation a little towards it.
    """
    regular = truth["audio"] + context
    share = truth["outlier"].sum() / (len(regular) - 1)
    return (1 - share) * regular + share * np.log1p(charts.OUTLIER)
