"""Optimisers that ask a model and need no gradient: what the graph is measured beside."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models_py.song_optimization.protocol import BOUNDS, MAX_CHANGE

# From features (n, k) to answers (n,).
Predict = Callable[[NDArray], NDArray]
EVALUATIONS = 600
# Of each feature in turn, so many values are tried.
VALUES = 22


def limits(songs: NDArray, max_change: float = MAX_CHANGE) -> tuple[NDArray, NDArray]:
    """Return the lowest and highest value (n, d) that the features of songs (n, k) may take.

    A value beyond its bound may stay there, and go no farther.
    """
    low, high = np.array(list(BOUNDS.values())).T
    free = songs[:, : len(low)]
    reach = max_change * (high - low)
    return (
        np.maximum(free - reach, np.minimum(low, free)),
        np.minimum(free + reach, np.maximum(high, free)),
    )


def by_chance(
    predict: Predict, songs: NDArray, most: int, evaluations: int = EVALUATIONS
) -> NDArray:
    """Return the best (n, k) of songs drawn evenly within the limits, each with `most` changes."""
    low, high = limits(songs)
    rng = np.random.default_rng(0)
    best, answer = songs.copy(), predict(songs)
    for _ in range(evaluations):
        order = rng.random(low.shape).argsort(axis=1)
        drawn = np.where(order < most, rng.uniform(low, high), songs[:, : low.shape[1]])
        best, answer = _better(predict, best, answer, np.hstack([drawn, songs[:, low.shape[1] :]]))
    return best


def by_coordinate(predict: Predict, songs: NDArray, values: int = VALUES) -> NDArray:
    """Return the songs (n, k) with each feature in turn set to the best of evenly spaced values."""
    low, high = limits(songs)
    best, answer = songs.copy(), predict(songs)
    for place in range(low.shape[1]):
        for share in np.linspace(0, 1, values):
            tried = best.copy()
            tried[:, place] = low[:, place] + share * (high - low)[:, place]
            best, answer = _better(predict, best, answer, tried)
    return best


def _better(
    predict: Predict, best: NDArray, answer: NDArray, tried: NDArray
) -> tuple[NDArray, NDArray]:
    found = predict(tried)
    is_better = found > answer
    return np.where(is_better[:, None], tried, best), np.where(is_better, found, answer)
