"""Metrics of a task, each a function (label, scores) -> float.

Labels have shape (n,): numbers, or the place of the class among the task's outputs. Scores are what
a model answers, shape (n, m): one number for a regression, the probability of each class otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from models_py.algorithms import Kind

BINS = 10
Compute = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Metric:
    """A metric and which way is better."""

    compute: Compute
    higher_is_better: bool


def _of_number(metric: Callable[..., float]) -> Compute:
    return lambda label, scores: metric(label, scores[:, 0])


def _of_probability(metric: Callable[..., float]) -> Compute:
    return lambda label, scores: metric(label, scores[:, 1])


def _of_class(metric: Callable[..., float], **options: int) -> Compute:
    return lambda label, scores: metric(label, scores.argmax(axis=1), **options)


def _log_loss(label: np.ndarray, scores: np.ndarray) -> float:
    # Normalised: float32 probabilities sum to one within 1e-7 only, which scikit-learn warns of.
    scores = scores / scores.sum(axis=1, keepdims=True)
    return metrics.log_loss(label, scores, labels=range(scores.shape[1]))


def _macro_f1(label: np.ndarray, scores: np.ndarray) -> float:
    """The mean over all classes, also those that these rows lack, as zero."""
    classes = range(scores.shape[1])
    return metrics.f1_score(
        label, scores.argmax(axis=1), labels=classes, average="macro", zero_division=0
    )


def _balanced_accuracy(label: np.ndarray, scores: np.ndarray) -> float:
    """The mean recall of the classes that these rows have."""
    return metrics.recall_score(
        label, scores.argmax(axis=1), labels=np.unique(label), average="macro", zero_division=0
    )


METRICS: dict[Kind, dict[str, Metric]] = {
    "regression": {
        "rmse": Metric(_of_number(metrics.root_mean_squared_error), higher_is_better=False),
        "mae": Metric(_of_number(metrics.mean_absolute_error), higher_is_better=False),
        "r2": Metric(_of_number(metrics.r2_score), higher_is_better=True),
    },
    "binary": {
        "roc_auc": Metric(_of_probability(metrics.roc_auc_score), higher_is_better=True),
        "log_loss": Metric(_log_loss, higher_is_better=False),
        "brier": Metric(_of_probability(metrics.brier_score_loss), higher_is_better=False),
        "accuracy": Metric(_of_class(metrics.accuracy_score), higher_is_better=True),
        "balanced_accuracy": Metric(_balanced_accuracy, higher_is_better=True),
        "f1": Metric(_of_class(metrics.f1_score, zero_division=0), higher_is_better=True),
    },
    "multiclass": {
        "accuracy": Metric(_of_class(metrics.accuracy_score), higher_is_better=True),
        "balanced_accuracy": Metric(_balanced_accuracy, higher_is_better=True),
        "macro_f1": Metric(_macro_f1, higher_is_better=True),
        "log_loss": Metric(_log_loss, higher_is_better=False),
    },
}


def score(kind: Kind, label: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return every metric of a kind of task for one set of held-out rows."""
    return {name: float(m.compute(label, scores)) for name, m in METRICS[kind].items()}


def gain_error(gains: np.ndarray) -> float:
    """Return the standard error of the mean of the gains over the folds of a split, shape (folds,).

    Corrected for training sets that overlap (Nadeau and Bengio 2003). Twice of it is what this
    project asks of a gain before it calls it one: a rule to screen by, no proof.
    """
    folds = len(gains)
    return float(gains.std(ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1)))


@dataclass(frozen=True)
class Bin:
    """Rows whose probability of a label falls into one of BINS equal parts of 0 to 1."""

    label: str
    bin: int
    rows: int
    predicted: float
    observed: float


def calibration(outputs: tuple[str, ...], label: np.ndarray, scores: np.ndarray) -> list[Bin]:
    """Return the bins that hold rows: the mean probability beside the share that came true.

    With two outputs only the second is told: the first is its complement.
    """
    result = []
    for place in range(len(outputs) == 2, len(outputs)):
        probability, came_true = scores[:, place], label == place
        bins = np.minimum((probability * BINS).astype(int), BINS - 1)
        for number in np.unique(bins):
            rows = bins == number
            shares = float(probability[rows].mean()), float(came_true[rows].mean())
            result.append(Bin(outputs[place], int(number) + 1, int(rows.sum()), *shares))
    return result


@dataclass(frozen=True)
class Cell:
    """Rows with one actual and one predicted label."""

    actual: str
    predicted: str
    rows: int


def confusion(outputs: tuple[str, ...], label: np.ndarray, scores: np.ndarray) -> list[Cell]:
    """Return the confusion matrix by cells, also the empty ones."""
    counts = metrics.confusion_matrix(label, scores.argmax(axis=1), labels=range(len(outputs)))
    return [
        Cell(actual, predicted, int(counts[i, j]))
        for i, actual in enumerate(outputs)
        for j, predicted in enumerate(outputs)
    ]
