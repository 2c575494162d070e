"""Best achievable scores: the score of the best possible model on exactly the generated rows.

`chart_best_scores` and `track_best_scores` have one small function for each task. Its predictor is
the conditional expectation under the generator, not a fitted model, so a model can beat it only by
luck.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


class BestScore(NamedTuple):
    """One row of ceilings.csv: the best achievable score of a task on the rows of its source."""

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
