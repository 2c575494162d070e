"""Training of a task: each candidate is evaluated on grouped folds, exported and checked.

The feature table has the folds; all rows of a song are in one fold. The stored model is trained on
all folds except HOLDOUT.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from models_py import algorithms, export, metrics
from models_py.examples import HOLDOUT, Examples, SettingsError, TrainingError
from models_py.tasks import Task

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Score:
    """One metric of a candidate and of the baseline.

    Attributes:
        metric: its name.
        higher_is_better: its direction.
        holdout: the stored model on fold HOLDOUT.
        mean: the mean over all folds, each predicted by a model trained on the others.
        sd: the standard deviation over these folds.
        baseline_holdout: the baseline on fold HOLDOUT.
        baseline_mean: the baseline's mean over all folds.
        gain_sd: the standard deviation over the folds of the difference to the baseline.
        held_out_groups: with a single split, the number of held-out groups that both errors are
            estimated from: playlists or artists. None with folds.
    """

    metric: str
    higher_is_better: bool
    holdout: float
    mean: float
    sd: float
    baseline_holdout: float
    baseline_mean: float
    gain_sd: float
    held_out_groups: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A trained model, ready for the registry.

    Attributes:
        algorithm: its name.
        onnx: the serialized graph.
        parity: the largest `agreement.difference` between the graph and its source model.
        scores: its metrics and the baseline's.
        importance: permutation importance by input; empty if not computed.
        calibration: of a classification.
        confusion: of a classification.
        train_rows: number of rows that it was trained on.
        holdout_rows: number of rows in fold HOLDOUT.
        train_seconds: duration of its training.
    """

    algorithm: str
    onnx: bytes
    parity: float
    scores: list[Score]
    importance: dict[str, float]
    calibration: list[metrics.Bin]
    confusion: list[metrics.Cell]
    train_rows: int
    holdout_rows: int
    train_seconds: float


@dataclass(frozen=True)
class Folds:
    """An algorithm on all folds, each predicted by a model trained on the others.

    Attributes:
        metrics: every metric by fold.
        scores: out-of-fold scores, shape (n, m).
        stored: the model that was trained without fold HOLDOUT.
        seconds: duration of its training.
    """

    metrics: dict[int, dict[str, float]]
    scores: np.ndarray
    stored: BaseEstimator
    seconds: float


def train(task: Task, rows: Examples, config: Mapping[str, Mapping]) -> list[Candidate]:
    """Train the algorithms of `config`, each with its hyperparameters.

    Args:
        task: the task.
        rows: its feature table.
        config: hyperparameters by algorithm.

    Raises:
        TrainingError: `config` has an unknown algorithm or hyperparameter, or there are no rows in
            fold HOLDOUT or outside it.
        export.ExportError: a graph differs from its estimator, or is too large.
    """
    check(task, config)
    baseline = evaluate_baseline(task, rows)
    return [_candidate(task, name, config[name], rows, baseline) for name in config]


def check(task: Task, config: Mapping[str, Mapping]) -> None:
    """Check that the algorithms and hyperparameters are known.

    Raises:
        SettingsError: one is not.
    """
    unknown = set(config) - set(task.algorithms)
    if unknown:
        raise SettingsError(
            f"task {task.name} has no algorithm {', '.join(sorted(unknown))}: "
            f"use one of {', '.join(task.algorithms)}"
        )
    for name, params in config.items():
        known = algorithms.estimator(task.kind, name, {}).get_params()
        if misspelt := set(params) - set(known):
            raise SettingsError(
                f"task {task.name}: {name} has no hyperparameter {', '.join(sorted(misspelt))}: "
                f"it has {', '.join(sorted(known))}"
            )


def folds_of(task: Task, rows: Examples) -> list[int]:
    """Return the folds that have rows, in order.

    Raises:
        TrainingError: there are no rows in fold HOLDOUT or outside it.
    """
    folds = sorted(np.unique(rows.fold).tolist())
    if HOLDOUT not in folds or len(folds) < 2:
        raise TrainingError(
            f"task {task.name} has rows in the folds {', '.join(map(str, folds))} only, and needs "
            f"fold {HOLDOUT} and another: add data, or set fewer `folds` in dbt_project.yml"
        )
    return folds


def evaluate_baseline(task: Task, rows: Examples) -> dict[int, dict[str, float]]:
    """Return every metric of the baseline by fold.

    The baseline predicts the mean label, or the share of each class; for its F1 see
    `metrics.always_true_f1`.
    """
    model = DummyRegressor() if task.kind == "regression" else DummyClassifier(strategy="prior")
    found = evaluate(task, model, rows).metrics
    if task.kind == "binary":
        for fold, scores in found.items():
            scores["f1"] = metrics.always_true_f1(rows.label[rows.fold == fold])
    return found


def evaluate(task: Task, estimator: BaseEstimator, rows: Examples) -> Folds:
    """Cross-validate an estimator: train on all folds but one, measure on that one.

    Raises:
        TrainingError: there are no rows in fold HOLDOUT or outside it.
    """
    folds = folds_of(task, rows)
    by_fold, scores = {}, np.zeros((len(rows.label), len(task.outputs)))
    started = time.perf_counter()
    stored = _fitted(estimator, rows, HOLDOUT)
    seconds = time.perf_counter() - started
    for fold in folds:
        fitted = stored if fold == HOLDOUT else _fitted(estimator, rows, fold)
        _, held_out = rows.split(fold)
        predicted = export.predict(fitted, held_out.features)
        scores[rows.fold == fold] = predicted
        by_fold[fold] = metrics.score(task.kind, held_out.label, predicted)
    return Folds(by_fold, scores, stored, seconds)


def _fitted(estimator: BaseEstimator, rows: Examples, held_out: int) -> BaseEstimator:
    """Return a copy of an estimator, trained on the rows outside a fold."""
    seen, _ = rows.split(held_out)
    return clone(estimator).fit(seen.features, seen.label)


def _candidate(
    task: Task,
    algorithm: str,
    params: Mapping,
    rows: Examples,
    baseline: dict[int, dict[str, float]],
) -> Candidate:
    started = time.perf_counter()
    folds = evaluate(task, algorithms.estimator(task.kind, algorithm, params), rows)
    seen, held_out = rows.split(HOLDOUT)
    content = export.to_onnx(folds.stored, len(rows.names))
    outcome = (task.outputs, rows.label, folds.scores)
    candidate = Candidate(
        algorithm=algorithm,
        onnx=content,
        parity=export.check_parity(content, folds.stored, rows.features),
        scores=_scores(task, folds.metrics, baseline),
        importance=importance(task, content, held_out),
        calibration=[] if task.kind == "regression" else metrics.calibration(*outcome),
        confusion=[] if task.kind == "regression" else metrics.confusion(*outcome),
        train_rows=len(seen.label),
        holdout_rows=len(held_out.label),
        train_seconds=folds.seconds,
    )
    main = next(s for s in candidate.scores if s.metric == task.metric)
    log.info(
        "%s, %s: %s %.4f, baseline %.4f (%.1f s)",
        task.name,
        algorithm,
        task.metric,
        main.mean,
        main.baseline_mean,
        time.perf_counter() - started,
    )
    return candidate


def _scores(task: Task, scores: dict, baseline: dict) -> list[Score]:
    result = []
    for name, metric in metrics.METRICS[task.kind].items():
        folds, base = (np.array([fold[name] for fold in by.values()]) for by in (scores, baseline))
        result.append(
            Score(
                metric=name,
                higher_is_better=metric.higher_is_better,
                holdout=scores[HOLDOUT][name],
                mean=float(folds.mean()),
                sd=float(folds.std(ddof=1)),
                baseline_holdout=baseline[HOLDOUT][name],
                baseline_mean=float(base.mean()),
                gain_sd=float((folds - base).std(ddof=1)),
            )
        )
    return result


def importance(task: Task, content: bytes, held_out: Examples) -> dict[str, float]:
    """Return how much worse the task's metric gets when an input is shuffled, by input.

    See `metrics.importance`. The columns of a one-hot group are shuffled together.

    Args:
        task: the task.
        content: the serialized graph.
        held_out: rows that the model was not trained on.
    """
    metric = metrics.METRICS[task.kind][task.metric]
    sign = -1 if metric.higher_is_better else 1

    def loss(features: np.ndarray) -> float:
        return sign * metric.compute(held_out.label, export.run(content, features))

    return metrics.importance(loss, held_out.features, held_out.groups)


def rescore(task: Task, content: bytes, rows: Examples) -> float:
    """Return the task's metric of a serialized model on fold HOLDOUT of these rows."""
    _, held_out = rows.split(HOLDOUT)
    predicted = export.run(content, held_out.features)
    return metrics.score(task.kind, held_out.label, predicted)[task.metric]
