"""The metrics of a registered model, by what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn import metrics as sklearn_metrics

from models_py.metrics import METRICS, Metric, always_true_f1
from udfs.errors import ModelError

DRAWS = 200
PRIMARY = {"regression": "rmse", "binary": "roc_auc", "multiclass": "accuracy"}
# Metrics of probabilities: other scores have none.
OF_PROBABILITIES = ("log_loss", "brier")
# Metrics of the label, which need not be that of the largest score.
OF_LABELS = ("accuracy", "balanced_accuracy", "f1", "macro_f1")


@dataclass(frozen=True)
class Answers:
    """The answers of a model, or of a baseline.

    Attributes:
        scores: shape (n, m).
        places: the place of the label of each row (n,); None if the answers are numbers or several
            labels.
    """

    scores: np.ndarray
    places: np.ndarray | None = None

    @property
    def labels(self) -> np.ndarray:
        """The label of each row as 1 among zeros (n, m), so that a metric of scores reads it."""
        return np.eye(self.scores.shape[1])[self.places]

    @property
    def are_probabilities(self) -> bool:
        """Whether the scores of each row add up to 1."""
        is_share = ((self.scores >= 0) & (self.scores <= 1)).all()
        return bool(is_share and np.abs(self.scores.sum(axis=1) - 1).max() < 1e-3)

    def take(self, rows: np.ndarray) -> "Answers":
        """Return the answers of some rows."""
        return Answers(self.scores[rows], None if self.places is None else self.places[rows])


class Error(NamedTuple):
    """Standard errors: of a metric, and of its difference to the baseline."""

    value: float
    gain: float


@dataclass(frozen=True)
class Scorer:
    """The metrics of a task, on labels (n,) or (n, m) and answers.

    Attributes:
        metrics: by name; the first one decides.
        best_guess: the baseline: the answers that are best for all rows of these labels.
        is_binary: whether there are two labels.
    """

    metrics: Mapping[str, Metric]
    best_guess: Callable[[np.ndarray], Answers]
    is_binary: bool = False

    @property
    def primary(self) -> str:
        """The metric that decides."""
        return next(iter(self.metrics))

    def values(self, truth: np.ndarray, answers: Answers) -> dict[str, float]:
        """Return all metrics of some answers."""
        return {
            name: float(metric.compute(truth, _read_by(name, answers)))
            for name, metric in self.metrics.items()
        }

    def baseline(self, truth: np.ndarray) -> dict[str, float]:
        """Return all metrics of the baseline on these labels."""
        found = self.values(truth, self.best_guess(truth))
        return found | ({"f1": always_true_f1(truth)} if self.is_binary else {})

    def loss(self, truth: np.ndarray, answers: Answers) -> float:
        """Return the metric that decides, with the sign that makes less better."""
        metric = self.metrics[self.primary]
        value = metric.compute(truth, _read_by(self.primary, answers))
        return float(-value if metric.higher_is_better else value)

    def errors(self, truth: np.ndarray, answers: Answers) -> dict[str, Error]:
        """Return the standard errors by bootstrap of the rows (Efron 1979)."""
        rng, rows = np.random.default_rng(0), len(truth)
        drawn: list[list[tuple[float, float]]] = []
        for _ in range(DRAWS):
            sample = rng.integers(rows, size=rows)
            labels = truth[sample]
            if self.is_binary and labels.min() == labels.max():
                continue
            own, base = self.values(labels, answers.take(sample)), self.baseline(labels)
            drawn.append([(own[name], own[name] - base[name]) for name in self.metrics])
        if not drawn:
            return dict.fromkeys(self.metrics, Error(0.0, 0.0))
        spreads = np.std(np.array(drawn), axis=0).tolist()
        return {name: Error(*one) for name, one in zip(self.metrics, spreads, strict=True)}


def scorer(answer: str, outputs: list[str], truth: np.ndarray, answers: Answers) -> Scorer:
    """Return the metrics that suit the answers of a model.

    Args:
        answer: what it answers: number, numbers, label or labels.
        outputs: the names of its m scores.
        truth: the right answers, see `udfs.registry.labels`.
        answers: its answers.

    Raises:
        ModelError: of two labels, no row has one.
    """
    if answer == "numbers":
        return Scorer(NUMBERS, _means)
    if answer == "labels":
        return Scorer(LABELS, _means)
    if answer == "number":
        return Scorer(_ordered("regression"), _means)
    counts = np.bincount(truth, minlength=len(outputs))
    is_binary = len(outputs) == 2
    if is_binary and not counts.all():
        missing = outputs[int(counts.argmin())]
        raise ModelError(f"no row has the label {missing}: give rows with both labels")
    known = _ordered("binary" if is_binary else "multiclass")
    if not answers.are_probabilities:
        known = {name: one for name, one in known.items() if name not in OF_PROBABILITIES}
    return Scorer(known, lambda labels: _shares(labels, len(outputs)), is_binary)


def _ordered(kind: Any) -> dict[str, Metric]:
    """Return the metrics of a kind of task, the one that decides first."""
    first = PRIMARY[kind]
    return {first: METRICS[kind][first]} | METRICS[kind]


def _read_by(name: str, answers: Answers) -> np.ndarray:
    is_of_label = answers.places is not None and name in OF_LABELS
    return answers.labels if is_of_label else answers.scores


def _means(truth: np.ndarray) -> Answers:
    means = np.atleast_1d(truth.mean(axis=0))
    return Answers(np.tile(means, (len(truth), 1)))


def _shares(truth: np.ndarray, count: int) -> Answers:
    counts = np.bincount(truth, minlength=count)
    shares = np.tile(counts / len(truth), (len(truth), 1))
    return Answers(shares, np.full(len(truth), counts.argmax()))


def _all_right(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of rows whose labels are all right."""
    return float(((scores > 0.5) == truth).all(axis=1).mean())


def _micro_f1(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return F1 over all labels of all rows; 0 without any label."""
    return float(sklearn_metrics.f1_score(truth, scores > 0.5, average="micro", zero_division=0))


# Several numbers may have several units, so their mean R2 decides.
NUMBERS = {
    "r2": Metric(sklearn_metrics.r2_score, higher_is_better=True),
    "rmse": Metric(sklearn_metrics.root_mean_squared_error, higher_is_better=False),
    "mae": Metric(sklearn_metrics.mean_absolute_error, higher_is_better=False),
}
LABELS = {
    "accuracy": Metric(_all_right, higher_is_better=True),
    "micro_f1": Metric(_micro_f1, higher_is_better=True),
}
