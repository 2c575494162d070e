"""Metrics of a task, each a function (label, scores) -> float.

Labels have shape (n,). Scores are what a model answers: shape (n,), a number for a regression, the
probability of the positive class for a classification.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from models_py.task import Kind


@dataclass(frozen=True)
class Metric:
    """A metric and which way is better."""

    compute: Callable[[np.ndarray, np.ndarray], float]
    higher_is_better: bool


METRICS: dict[Kind, dict[str, Metric]] = {
    "regression": {
        "rmse": Metric(metrics.root_mean_squared_error, higher_is_better=False),
        "mae": Metric(metrics.mean_absolute_error, higher_is_better=False),
        "r2": Metric(metrics.r2_score, higher_is_better=True),
    },
    "classification": {
        "roc_auc": Metric(metrics.roc_auc_score, higher_is_better=True),
        "log_loss": Metric(metrics.log_loss, higher_is_better=False),
        "brier": Metric(metrics.brier_score_loss, higher_is_better=False),
        "accuracy": Metric(lambda y, p: metrics.accuracy_score(y, p >= 0.5), higher_is_better=True),
    },
}


def score(kind: Kind, label: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return every metric of a kind of task for one set of held-out rows."""
    return {name: float(m.compute(label, scores)) for name, m in METRICS[kind].items()}
