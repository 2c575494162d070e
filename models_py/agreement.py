"""How far two models agree: a graph with its source, or one backend with the other."""

import numpy as np


def difference(scores: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the relative differences (n, m) of scores (n, m) from the expected ones (n, m).

    A difference is divided by the larger of |expected|, the mean of |expected|, and 1. A plain
    relative error would be unfair to scores near zero, which may be sums of large terms. Two scores
    that are both not finite are equal: SQL has NULL for them.
    """
    is_known = np.isfinite(expected)
    sizes = np.abs(expected)
    mean = sizes[is_known].mean() if is_known.any() else 1
    with np.errstate(invalid="ignore"):
        found = np.abs(scores - expected) / np.maximum(sizes, max(1, mean))
    found = np.where(is_known & np.isfinite(scores), found, np.inf)
    return np.where(~is_known & ~np.isfinite(scores), 0, found)
