"""Ceilings: the score of the best possible model on exactly the rows generated.

Each task is one small function over a truth table, in `chart_ceilings` and `track_ceilings`; the
predictor is the conditional expectation in the planted world, not a fitted model, so no model
beats it but by luck.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


class Ceiling(NamedTuple):
    """One row of ceilings.csv: the best score of a task on the rows of its source."""

    source: str
    task: str
    metric: str
    ceiling: float
    rows: int
    definition: str


def rmse(error: NDArray[np.float64]) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(np.mean(error**2)))


def roc_auc(label: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: the chance that a hit outranks another song."""
    hits = label.sum()
    wins = rankdata(score)[label].sum() - hits * (hits + 1) / 2
    return float(wins / (hits * (len(label) - hits)))
