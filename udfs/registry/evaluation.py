"""Evaluate a registered model on labelled rows, for the leaderboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from models_py import metrics
from models_py.columns import group
from models_py.registry_schema import SCHEMA
from udfs.errors import ModelError
from udfs.registry.examples import as_frame, encoded_as_known, numbers
from udfs.registry.operations import transaction
from udfs.runtime.scores import LARGEST
from udfs.runtime.sessions import Model

if TYPE_CHECKING:  # this is not installed where models are only served
    from pandas import DataFrame

# Of more rows, a random sample is evaluated.
MOST_ROWS = 100_000
DRAWS = 200
SHUFFLES = 5
MODEL = """
    select inputs, outputs, answer, onnx
    from ml.registered_models
    where model_id = ? and onnx is not null
    limit 1
"""
COLUMNS = ("metrics", "importance", "calibration", "confusion", "holdout_rows")
PRIMARY = {"regression": "rmse", "binary": "roc_auc", "multiclass": "accuracy"}
# Metrics of probabilities: other scores have none.
OF_PROBABILITIES = ("log_loss", "brier")
# Metrics of the label, which need not be that of the largest score.
OF_LABELS = ("accuracy", "balanced_accuracy", "f1", "macro_f1")


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        metrics: the metrics by name; the first one decides.
        baseline: those of the baseline: the mean, or the shares of the labels.
        rows: how many rows were evaluated.
        unanswered: how many rows the model gives no answer for.
        unlabelled: how many rows have no label.
    """

    metrics: dict[str, float]
    baseline: dict[str, float]
    rows: int
    unanswered: int
    unlabelled: int


@dataclass(frozen=True)
class _Answers:
    """The answers of a model, or of the baseline, and how they are scored.

    Attributes:
        scores: shape (n, m).
        places: the place of the label of each row (n,); None if the answers are numbers or several
            labels.
    """

    scores: np.ndarray
    places: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "_Answers":
        """Return the answers of some rows."""
        return _Answers(self.scores[rows], None if self.places is None else self.places[rows])


Score = Callable[[np.ndarray, _Answers], float]


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    model_id: str,
    rows: "ArrayLike | DataFrame",
    labels: Sequence[Any],
) -> Evaluation:
    """Score a registered model on labelled rows, and store metrics, importance and baseline.

    Give rows that the model was not fitted on. The numbers replace those of an earlier evaluation;
    `rpt_model_leaderboard` shows them after the next build.

    Args:
        connection: a writable connection to the database with the model.
        model_id: the model.
        rows: rows (n, k) like its examples, as an array or a data frame.
        labels: the right answers (n,): a number, a label, or a list of labels for each row; for a
            model with several numbers, shape (n, m).

    Raises:
        ModelError: no such model was registered, or the rows or labels do not fit it.
    """
    found = connection.execute(MODEL, [model_id]).fetchall()
    if not found:
        raise ModelError(
            f"no model {model_id} was registered: see select model_id, task, algorithm from "
            "ml.registered_models. A build evaluates the models that it trains"
        )
    ((inputs, outputs, answer, onnx),) = found
    model, names = Model(model_id, onnx), [entry["name"] for entry in inputs]
    features, is_known = _features(rows, names)
    truth, is_labelled = _truth(answer, outputs, labels)
    if len(truth) != len(features):
        raise ModelError(f"there are {len(features)} rows and {len(truth)} labels: give one each")
    is_answered = is_known & _is_answered(model, features)
    used = np.flatnonzero(is_answered & is_labelled)
    if len(used) < 2:
        raise ModelError(
            f"{len(used)} rows have both a label and an answer, and 2 are needed: "
            f"{(~is_labelled).sum()} have no label, and {(~is_answered).sum()} no answer"
        )
    if len(used) > MOST_ROWS:
        used = np.random.default_rng(0).choice(used, MOST_ROWS, replace=False)
    measured = _Measured(model, answer, outputs, names, features[used], truth[used])
    with transaction(connection):
        _store(connection, model_id, measured.columns())
    return Evaluation(
        measured.values(measured.answers),
        measured.values(measured.baseline),
        len(used),
        int((~is_answered).sum()),
        int((~is_labelled).sum()),
    )


def _features(rows: Any, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return rows as features (n, k), and for each whether all its texts are known (n,)."""
    if as_frame(rows, None) is not None or any(map(group, names)):
        return encoded_as_known(rows, names)
    features = numbers(rows)
    if features.shape[1] != len(names):
        raise ModelError(
            f"the model takes {', '.join(names)}, and the rows have {features.shape[1]} columns: "
            "give one for each, in order"
        )
    return features, np.ones(len(features), dtype=bool)


def _is_answered(model: Model, features: np.ndarray) -> np.ndarray:
    """Return for each row whether the functions of the model answer it (n,)."""
    may_miss = np.zeros(features.shape[1], bool) if model.missing is None else model.missing
    is_answered = (np.abs(features) <= LARGEST).all(axis=1, where=~(np.isnan(features) & may_miss))
    if is_answered.any():
        feeds = {"features": features[is_answered].astype(model.floats)}
        (scores,) = model.run(["scores"], feeds)
        is_answered[is_answered] = np.isfinite(scores).all(axis=1)
    return is_answered


def _truth(answer: str, outputs: list[str], labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels as numbers, and for each row whether it has one.

    A label is its place among the outputs, and several labels are 0 or 1 for each output.
    """
    if answer in ("number", "numbers"):
        return _of_numbers(labels, len(outputs) if answer == "numbers" else None)
    values = list(labels)
    is_labelled = np.array([not _is_missing(value) for value in values])
    if answer == "label":
        places = [0 if _is_missing(value) else _place(value, outputs) for value in values]
        return np.array(places), is_labelled
    chosen = np.zeros((len(values), len(outputs)), dtype=int)
    for row in np.flatnonzero(is_labelled):
        if isinstance(values[row], str):
            raise ModelError(f"a row has several labels, and this one is a text: {values[row]!r}")
        chosen[row, [_place(value, outputs) for value in values[row]]] = 1
    return chosen, is_labelled


def _of_numbers(labels: Sequence[Any], width: int | None) -> tuple[np.ndarray, np.ndarray]:
    missing = [np.nan] * width if width else np.nan
    try:
        values = [missing if value is None else value for value in labels]
        truth = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the labels must be numbers: {error}") from error
    if truth.shape[1:] != ((width,) if width else ()):
        raise ModelError(
            f"the labels have shape {truth.shape}: give {f'{width} numbers' if width else 'one'} "
            "for each row"
        )
    is_finite = np.isfinite(truth)
    return truth, np.asarray(is_finite.all(axis=1) if width else is_finite)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _place(value: Any, outputs: list[str]) -> int:
    """Return the place of a label among the outputs."""
    text = str(value)
    if outputs == ["false", "true"]:
        text = {"0": "false", "1": "true", "0.0": "false", "1.0": "true"}.get(text, text.lower())
    if text not in outputs and text.endswith(".0"):
        text = text.removesuffix(".0")  # whole numbers beside missing ones
    if text not in outputs:
        raise ModelError(f"there is no label {value!r}: the labels are {', '.join(outputs)}")
    return outputs.index(text)


class _Measured:
    """A model on labelled rows that it answers."""

    def __init__(
        self,
        model: Model,
        answer: str,
        outputs: list[str],
        names: list[str],
        features: np.ndarray,
        truth: np.ndarray,
    ):
        self._model, self._answer, self._outputs = model, answer, outputs
        self._names, self._features, self._truth = names, features, truth
        self.answers = self._answers(features)
        self.baseline = self._baseline()
        self._scored_by = self._metrics()
        self._primary = next(iter(self._scored_by))

    def _answers(self, features: np.ndarray) -> _Answers:
        (scores,) = self._model.run(["scores"], {"features": features.astype(self._model.floats)})
        scores, count = scores.astype(np.float64), len(self._outputs)
        if self._answer != "label":
            return _Answers(scores[:, :count])
        places = scores[:, count] if scores.shape[1] > count else scores[:, :count].argmax(axis=1)
        return _Answers(scores[:, :count], places.astype(int))

    def _baseline(self) -> _Answers:
        """Return the mean of the labels, or the share of each, as the answer of every row."""
        rows = len(self._truth)
        if self._answer != "label":
            means = np.atleast_1d(self._truth.mean(axis=0))
            return _Answers(np.tile(means, (rows, 1)))
        counts = np.bincount(self._truth, minlength=len(self._outputs))
        if self._is_binary and not counts.all():
            missing = self._outputs[int(counts.argmin())]
            raise ModelError(f"no row has the label {missing}: give rows with both labels")
        places = np.full(rows, counts.argmax())
        return _Answers(np.tile(counts / rows, (rows, 1)), places)

    @property
    def _is_binary(self) -> bool:
        return self._answer == "label" and len(self._outputs) == 2

    def _metrics(self) -> dict[str, tuple[Score, bool]]:
        """Return each metric and whether higher is better; the first one decides."""
        if self._answer == "numbers":
            return {"rmse": (_rmse, False), "mae": (_mae, False)}
        if self._answer == "labels":
            return {"accuracy": (_all_right, True), "micro_f1": (_micro_f1, True)}
        kind: Any = "regression"
        if self._answer == "label":
            kind = "binary" if self._is_binary else "multiclass"
        known = metrics.METRICS[kind]
        if kind != "regression" and not _is_probability(self.answers.scores):
            known = {name: one for name, one in known.items() if name not in OF_PROBABILITIES}
        first = PRIMARY[kind]
        names = [first, *(name for name in known if name != first)]
        return {name: (_score(name, known[name]), known[name].higher_is_better) for name in names}

    def values(self, answers: _Answers) -> dict[str, float]:
        """Return all metrics of some answers."""
        return {
            name: float(score(self._truth, answers)) for name, (score, _) in self._scored_by.items()
        }

    def columns(self) -> dict[str, Any]:
        """Return the columns of the registry."""
        return {
            "metrics": self._metric_rows(),
            "importance": self._importance(),
            "holdout_rows": len(self._truth),
            **self._diagrams(),
        }

    def _metric_rows(self) -> list[dict]:
        found, baseline = self.values(self.answers), self.values(self.baseline)
        errors = self._errors()
        return [
            {
                "metric": name,
                "is_primary": name == self._primary,
                "higher_is_better": higher_is_better,
                "holdout": found[name],
                "mean": found[name],
                "sd": errors[name][0],
                "folds": 1,
                "held_out_groups": len(self._truth),
                "baseline_holdout": baseline[name],
                "baseline_mean": baseline[name],
                "gain_sd": errors[name][1],
            }
            for name, (_, higher_is_better) in self._scored_by.items()
        ]

    def _errors(self) -> dict[str, tuple[float, float]]:
        """Return the bootstrap errors (Efron 1979) of each metric, and of its gain."""
        rng, rows = np.random.default_rng(0), len(self._truth)
        drawn: dict[str, list] = {name: [] for name in self._scored_by}
        for _ in range(DRAWS):
            sample = rng.integers(rows, size=rows)
            truth = self._truth[sample]
            if self._is_binary and truth.min() == truth.max():
                continue
            for name, (score, _) in self._scored_by.items():
                own = score(truth, self.answers.take(sample))
                drawn[name].append((own, own - score(truth, self.baseline.take(sample))))
        return {
            name: tuple(np.std(pairs, axis=0).tolist()) if pairs else (0.0, 0.0)
            for name, pairs in drawn.items()
        }

    def _importance(self) -> list[dict]:
        """Return the permutation importance (Breiman 2001) of each argument."""
        score, higher_is_better = self._scored_by[self._primary]
        sign, rng = 1 if higher_is_better else -1, np.random.default_rng(0)
        whole = score(self._truth, self.answers)
        owners = [group(name) or name for name in self._names]
        result = []
        for argument in dict.fromkeys(owners):
            columns = np.array([owner == argument for owner in owners])
            losses = []
            for _ in range(SHUFFLES):
                shuffled = self._features.copy()
                shuffled[:, columns] = rng.permutation(shuffled[:, columns])
                losses.append(sign * (whole - score(self._truth, self._answers(shuffled))))
            result.append({"feature": argument, "importance": float(np.mean(losses))})
        return result

    def _diagrams(self) -> dict[str, list]:
        """Return calibration and confusion of a classification."""
        if self._answer != "label" or self.answers.places is None:
            return {"calibration": [], "confusion": []}
        outputs, chosen = tuple(self._outputs), _one_hot(self.answers)
        bins = []
        if _is_probability(self.answers.scores):
            bins = metrics.calibration(outputs, self._truth, self.answers.scores)
        cells = metrics.confusion(outputs, self._truth, chosen)
        return {
            "calibration": [vars(one) for one in bins],
            "confusion": [vars(one) for one in cells],
        }


def _is_probability(scores: np.ndarray) -> bool:
    sums = scores.sum(axis=1)
    return bool(((scores >= 0) & (scores <= 1)).all() and np.abs(sums - 1).max() < 1e-3)


def _one_hot(answers: _Answers) -> np.ndarray:
    return np.eye(answers.scores.shape[1])[answers.places]


def _score(name: str, metric: metrics.Metric) -> Score:
    if name in OF_LABELS:
        return lambda truth, answers: metric.compute(truth, _one_hot(answers))
    return lambda truth, answers: metric.compute(truth, answers.scores)


def _rmse(truth: np.ndarray, answers: _Answers) -> float:
    return float(np.sqrt(((truth - answers.scores) ** 2).mean()))


def _mae(truth: np.ndarray, answers: _Answers) -> float:
    return float(np.abs(truth - answers.scores).mean())


def _all_right(truth: np.ndarray, answers: _Answers) -> float:
    """Return the share of rows whose labels are all right."""
    return float(((answers.scores > 0.5) == truth).all(axis=1).mean())


def _micro_f1(truth: np.ndarray, answers: _Answers) -> float:
    """Return F1 over all labels of all rows; 0 without any label."""
    chosen = answers.scores > 0.5
    total = chosen.sum() + truth.sum()
    return float(2 * (chosen & (truth == 1)).sum() / total) if total else 0.0


def _store(connection: duckdb.DuckDBPyConnection, model_id: str, columns: dict[str, Any]) -> None:
    schema = pa.schema([SCHEMA.field(name) for name in COLUMNS])
    found = pa.Table.from_pylist([columns], schema)  # read by the statement
    connection.register("evaluation_of_model", found)
    try:
        assignments = ", ".join(f"{name} = evaluation_of_model.{name}" for name in COLUMNS)
        connection.execute(
            f"update ml.registered_models set {assignments} from evaluation_of_model "
            "where model_id = ?",
            [model_id],
        )
    finally:
        connection.unregister("evaluation_of_model")
