"""Ceilings: the score of the best possible model on exactly the rows generated.

Each task is one small function over a truth table; the predictor is the conditional expectation
in the planted world, not a fitted model, so no model beats it but by luck.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, softmax
from scipy.stats import rankdata

from hitparade.sample import charts, world
from hitparade.sample.files import Columns

HIT = 60  # popularity at and above which a song is a hit


class Ceiling(NamedTuple):
    """One row of ceilings.csv: the best score of a task on the rows of its source."""

    source: str
    task: str
    metric: str
    ceiling: float
    rows: int
    definition: str


# What the ceilings hold for, as the registry writes the definition of a task.
LOG_STREAMS_INPUTS = (
    "bpm",
    "danceability_pct",
    "valence_pct",
    "energy_pct",
    "acousticness_pct",
    "instrumentalness_pct",
    "liveness_pct",
    "speechiness_pct",
)
LOG_STREAMS_DEFINITION = json.dumps({"inputs": LOG_STREAMS_INPUTS})
HIT_DEFINITION = json.dumps(
    {
        "inputs": ("danceability", "energy", "valence", "tempo"),
        "hit_cut": str(HIT),
        "excluded_genres": str(["sleep"]),
        "pair_keep_rule": "popularity desc, track_id asc",
    }
)


def log_streams(truth: Columns) -> Ceiling:
    """Return the RMSE of E[ln(1 + streams) | eight audio features] over the readable rows."""
    readable = ~np.isnan(truth["log_streams"])
    expected = expected_log_streams(truth)
    error = (truth["log_streams"] - expected)[readable]
    rmse = float(np.sqrt(np.mean(error**2)))
    return Ceiling("chart_songs", "log_streams", "rmse", rmse, len(error), LOG_STREAMS_DEFINITION)


def hit(truth: Columns) -> Ceiling:
    """Return the ROC AUC of P(hit | danceability, energy, valence, tempo) over the trained rows."""
    trained = trained_songs(truth)
    label = truth["popularity"][trained] >= HIT
    best = roc_auc(label, hit_probability(truth))
    return Ceiling("tracks", "hit", "roc_auc", best, len(label), HIT_DEFINITION)


CEILINGS: dict[str, tuple[Callable[[Columns], Ceiling], ...]] = {
    "chart_songs": (log_streams,),
    "tracks": (hit,),
}


def expected_log_streams(truth: Columns) -> NDArray[np.float64]:
    """Return E[ln(1 + streams)] of every chart row given its audio features (shape n).

    The context is independent of the audio, so its mean replaces it. The outlier fell on one of
    the readable rows at random, which draws every expectation a little towards it.
    """
    regular = truth["audio"] + truth["context"].mean()
    share = truth["outlier"].sum() / (len(regular) - 1)
    return (1 - share) * regular + share * np.log1p(charts.OUTLIER)


def trained_songs(truth: Columns) -> NDArray[np.bool_]:
    """Return which songs a model of hits trains on: a tempo is known, the genre is not sleep."""
    return (truth["genre"] != world.SLEEP) & (truth["tempo"] > 0)


def hit_probability(truth: Columns) -> NDArray[np.float64]:
    """Return P(hit | the four inputs) of every trained song (shape n).

    The genre is summed out with its posterior, everything else is Gaussian given the genre and
    integrated in closed form. The inputs enter as latent normal scores; the written values are
    these scores mapped one to one and then rounded, which loses nothing that could be measured.
    """
    trained = trained_songs(truth)
    four = truth["scores"][trained, : len(world.INPUTS)]
    counts = np.bincount(truth["genre"][trained], minlength=len(world.GENRES))
    others = world.MEANS[:, len(world.INPUTS) :] @ world.OTHER_WEIGHTS
    mean = world.sound(four)[:, None] + world.GENRE_EFFECT + others
    spread = np.sqrt(
        (world.WITHIN**2) * (world.OTHER_WEIGHTS**2).sum() + world.ARTIST_SD**2 + world.NOISE_SD**2
    )
    chance = ndtr((mean - world.popularity_cut(HIT)) / spread)
    return (genre_posterior(four, counts) * chance).sum(axis=1)


def genre_posterior(four: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return P(genre | four input scores), shape (n, genres); `counts` are songs per genre."""
    means = world.MEANS[:, : len(world.INPUTS)]
    prior = np.log(counts, out=np.full(len(counts), -np.inf), where=counts > 0)
    fit = (four @ means.T - (means**2).sum(axis=1) / 2) / world.WITHIN**2
    return softmax(fit + prior, axis=1)


def roc_auc(label: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: the chance that a hit outranks another song."""
    hits = label.sum()
    wins = rankdata(score)[label].sum() - hits * (hits + 1) / 2
    return float(wins / (hits * (len(label) - hits)))
