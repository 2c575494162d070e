"""The metrics of the tasks. Each is a function (label, scores) -> float.

Labels have shape (n,): numbers, or the index of the class among the task's outputs. Scores have
shape (n, m): one number for a regression, or the probability of each class.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from models_py.algorithms import Kind

BINS = 10
SHUFFLES = 5
Compute = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Metric:
    """A metric and its direction."""

    compute: Compute
    higher_is_better: bool


def _of_number(metric: Callable[..., float]) -> Compute:
    return lambda label, scores: metric(label, scores[:, 0])


def _of_probability(metric: Callable[..., float]) -> Compute:
    return lambda label, scores: metric(label, scores[:, 1])


def _of_class(metric: Callable[..., float], **options: int) -> Compute:
    return lambda label, scores: metric(label, scores.argmax(axis=1), **options)


def _log_loss(label: np.ndarray, scores: np.ndarray) -> float:
    # The sum of float32 probabilities differs from 1 by about 1e-7, and scikit-learn would warn.
    scores = scores / scores.sum(axis=1, keepdims=True)
    return metrics.log_loss(label, scores, labels=range(scores.shape[1]))


def _macro_f1(label: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean F1 over all classes; a class without rows counts as zero."""
    classes = range(scores.shape[1])
    return metrics.f1_score(
        label, scores.argmax(axis=1), labels=classes, average="macro", zero_division=0
    )


def _balanced_accuracy(label: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean recall over the classes that have rows."""
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
    """Return every metric of a kind of task on held-out rows: label (n,), scores (n, m)."""
    return {name: float(m.compute(label, scores)) for name, m in METRICS[kind].items()}


def always_true_f1(label: np.ndarray) -> float:
    """Return the F1 of a model that always predicts true: the baseline of F1.

    With the most frequent label, the F1 of the baseline would be 0 whenever true is the rarer
    class, and any model would beat it.
    """
    share = float(label.mean())
    return 2 * share / (1 + share)


def importance(
    loss: Callable[[np.ndarray], float], features: np.ndarray, groups: Sequence[str]
) -> dict[str, float]:
    """Return the permutation importance (Breiman 2001) of each group of columns.

    It is how much the loss grows when the columns of a group are shuffled together, averaged over
    SHUFFLES shuffles.

    Args:
        loss: the loss of features (n, k).
        features: held-out rows (n, k).
        groups: the group of each column, shape (k,).
    """
    rng, whole, owners = np.random.default_rng(0), loss(features), np.array(groups)
    result = {}
    for name in dict.fromkeys(groups):
        columns, losses = owners == name, []
        for _ in range(SHUFFLES):
            shuffled = features.copy()
            shuffled[:, columns] = rng.permutation(shuffled[:, columns])
            losses.append(loss(shuffled) - whole)
        result[name] = float(np.mean(losses))
    return result


def gain_error(gains: np.ndarray) -> float:
    """Return the standard error of the mean gain over the folds of a split.

    It is corrected for overlapping training sets (Nadeau and Bengio 2003). This project ignores
    gains below two standard errors: a rule for screening, not a proof.

    Args:
        gains: the gain on each fold, shape (folds,).
    """
    folds = len(gains)
    return float(gains.std(ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1)))


@dataclass(frozen=True)
class Bin:
    """The rows whose predicted probability of a label falls into one of BINS equal intervals.

    Attributes:
        label: the label.
        bin: the number of the interval, from 1.
        rows: how many rows.
        predicted: their mean predicted probability.
        observed: the share of them that has the label.
    """

    label: str
    bin: int
    rows: int
    predicted: float
    observed: float


def calibration(outputs: tuple[str, ...], label: np.ndarray, scores: np.ndarray) -> list[Bin]:
    """Return the calibration of each output in bins; empty bins are left out.

    Of two outputs only the second is reported, because the first is its complement.

    Args:
        outputs: names of the m classes.
        label: index of the class, shape (n,).
        scores: probabilities, shape (n, m).
    """
    result = []
    for index in range(len(outputs) == 2, len(outputs)):
        probability, has_label = scores[:, index], label == index
        bins = np.minimum((probability * BINS).astype(int), BINS - 1)
        for number in np.unique(bins):
            rows = bins == number
            shares = float(probability[rows].mean()), float(has_label[rows].mean())
            result.append(Bin(outputs[index], int(number) + 1, int(rows.sum()), *shares))
    return result


@dataclass(frozen=True)
class Cell:
    """A cell of a confusion matrix: the number of rows with these two labels."""

    actual: str
    predicted: str
    rows: int


def confusion(outputs: tuple[str, ...], label: np.ndarray, scores: np.ndarray) -> list[Cell]:
    """Return all cells of the confusion matrix, including empty ones.

    Args:
        outputs: names of the m classes.
        label: index of the class, shape (n,).
        scores: probabilities, shape (n, m); the predicted label has the largest.
    """
    counts = metrics.confusion_matrix(label, scores.argmax(axis=1), labels=range(len(outputs)))
    return [
        Cell(actual, predicted, int(counts[i, j]))
        for i, actual in enumerate(outputs)
        for j, predicted in enumerate(outputs)
    ]
