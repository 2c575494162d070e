"""Gradient-free optimizers, which the graph is compared with."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models_py.song_optimization.protocol import BOUNDS, MAX_CHANGE

# From features (n, k) to predictions (n,).
Predict = Callable[[NDArray], NDArray]
# Songs that random search tries.
EVALUATIONS = 600
# Values that coordinate search tries for each feature.
VALUES = 22


def limits(songs: NDArray, max_change: float = MAX_CHANGE) -> tuple[NDArray, NDArray]:
    """Return the lowest and the highest allowed values (n, d) of the features of songs (n, k).

    A value outside its bounds may stay as it is, but may not move further away.

    Args:
        songs: shape (n, k); the first d features may change.
        max_change: the largest change, as a share of the range between the bounds.
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
    """Random search: return the best (n, k) of songs drawn uniformly within the limits.

    Args:
        predict: the model to maximize.
        songs: shape (n, k).
        most: the number of features that change, chosen at random for each draw.
        evaluations: the number of draws.
    """
    low, high = limits(songs)
    rng = np.random.default_rng(0)
    best, predicted = songs.copy(), predict(songs)
    for _ in range(evaluations):
        order = rng.random(low.shape).argsort(axis=1)
        drawn = np.where(order < most, rng.uniform(low, high), songs[:, : low.shape[1]])
        tried = np.hstack([drawn, songs[:, low.shape[1] :]])
        best, predicted = _better(predict, best, predicted, tried)
    return best


def by_coordinate(predict: Predict, songs: NDArray, values: int = VALUES) -> NDArray:
    """Coordinate search: set one feature after the other to the best of evenly spaced values.

    Args:
        predict: the model to maximize.
        songs: shape (n, k).
        values: the number of values tried for each feature.
    """
    low, high = limits(songs)
    best, predicted = songs.copy(), predict(songs)
    for feature in range(low.shape[1]):
        for share in np.linspace(0, 1, values):
            tried = best.copy()
            tried[:, feature] = low[:, feature] + share * (high - low)[:, feature]
            best, predicted = _better(predict, best, predicted, tried)
    return best


def _better(
    predict: Predict, best: NDArray, predicted: NDArray, tried: NDArray
) -> tuple[NDArray, NDArray]:
    found = predict(tried)
    is_better = found > predicted
    return np.where(is_better[:, None], tried, best), np.where(is_better, found, predicted)
