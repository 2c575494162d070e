"""Training of a task: every candidate, evaluated on grouped folds, exported and checked.

The folds stand in the feature table and keep a song on one side of every split. Fold HOLDOUT is
special: the model that is stored never saw it, so that a later model can be compared with an
earlier one on rows that neither was trained on.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance

from models_py import export, metrics
from models_py.task import Task

HOLDOUT = 0
MIN_ROWS = 50
log = logging.getLogger(__name__)


class TrainingError(ValueError):
    """A feature table that cannot be trained on; the message says why and what to do."""


@dataclass(frozen=True)
class Examples:
    """A feature table as arrays: features (n, k), label (n,), fold (n,).

    Features are float64 that float32 can hold: an estimator sees what its graph will see.
    """

    features: np.ndarray
    label: np.ndarray
    fold: np.ndarray

    def split(self, held_out: int) -> tuple["Examples", "Examples"]:
        """Return the rows outside and inside one fold."""
        inside = self.fold == held_out
        return self._take(~inside), self._take(inside)

    def _take(self, rows: np.ndarray) -> "Examples":
        return Examples(self.features[rows], self.label[rows], self.fold[rows])


@dataclass(frozen=True)
class Score:
    """One metric of a candidate beside the trivial baseline's.

    `holdout` is measured on fold HOLDOUT, which the stored model never saw; `mean` and `sd` are
    taken over all folds, each predicted by a model trained on the others.
    """

    metric: str
    higher_is_better: bool
    holdout: float
    mean: float
    sd: float
    baseline_holdout: float
    baseline_mean: float


@dataclass(frozen=True)
class Candidate:
    """A trained model, ready for the registry."""

    algorithm: str
    onnx: bytes
    parity: float
    scores: list[Score]
    importance: dict[str, float]
    train_rows: int
    holdout_rows: int


def examples(task: Task, table: pa.Table) -> Examples:
    """Return a feature table as arrays, in the order of its key.

    Raises:
        TrainingError: too few rows, or a fold with only one class.
    """
    table = table.sort_by(task.key)
    rows = Examples(
        np.column_stack([table[name].to_numpy() for name in task.inputs])
        .astype(np.float32)
        .astype(np.float64),
        table[task.label].to_numpy().astype(float if task.kind == "regression" else int),
        table["fold"].to_numpy(),
    )
    _check(task, rows)
    return rows


def _check(task: Task, rows: Examples) -> None:
    if len(rows.label) < MIN_ROWS:
        raise TrainingError(
            f"task {task.name} has {len(rows.label)} rows to train on and needs {MIN_ROWS}: "
            "see what went to staging.quarantine, or give more data"
        )
    if task.kind == "classification":
        for fold in np.unique(rows.fold):
            if len(np.unique(rows.label[rows.fold == fold])) < 2:
                raise TrainingError(
                    f"task {task.name}: all rows of fold {fold} have the same {task.label}: "
                    "give more data, or change the cut in dbt_project.yml"
                )


def train(task: Task, rows: Examples, config: Mapping[str, Mapping]) -> list[Candidate]:
    """Train the algorithms that `config` names, each with its hyperparameters.

    Raises:
        TrainingError: an algorithm that the task does not know.
        export.ExportError: a graph that disagrees with its estimator; nothing is returned then.
    """
    unknown = set(config) - set(task.algorithms)
    if unknown:
        raise TrainingError(
            f"task {task.name} has no algorithm {', '.join(sorted(unknown))}: "
            f"it knows {', '.join(task.algorithms)}"
        )
    for name, params in config.items():
        known = task.algorithms[name]({}).get_params()
        if misspelt := set(params) - set(known):
            raise TrainingError(
                f"task {task.name}: {name} has no hyperparameter {', '.join(sorted(misspelt))}: "
                f"it knows {', '.join(sorted(known))}"
            )
    baseline = _fold_scores(task, _baseline(task), rows)
    return [_candidate(task, name, config[name], rows, baseline) for name in config]


def _baseline(task: Task) -> BaseEstimator:
    """The trivial model: the mean, or the share of each class."""
    return DummyRegressor() if task.kind == "regression" else DummyClassifier(strategy="prior")


def _candidate(task: Task, algorithm: str, params, rows: Examples, baseline) -> Candidate:
    started = time.perf_counter()
    scores = _fold_scores(task, task.algorithms[algorithm](params), rows)
    seen, held_out = rows.split(HOLDOUT)
    stored = task.algorithms[algorithm](params).fit(seen.features, seen.label)
    content = export.to_onnx(stored, len(task.inputs))
    candidate = Candidate(
        algorithm=algorithm,
        onnx=content,
        parity=export.check_parity(content, stored, rows.features),
        scores=_beside(task, scores, baseline),
        importance=_importance(task, stored, held_out),
        train_rows=len(seen.label),
        holdout_rows=len(held_out.label),
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


def _fold_scores(task: Task, estimator: BaseEstimator, rows: Examples) -> list[dict[str, float]]:
    """Return every metric for each fold, the fold HOLDOUT first."""
    result = []
    for fold in sorted(np.unique(rows.fold)):
        seen, held_out = rows.split(fold)
        estimator.fit(seen.features, seen.label)
        predicted = export.predict(estimator, held_out.features)[:, -1]
        result.append(metrics.score(task.kind, held_out.label, predicted))
    return result


def _beside(task: Task, scores, baseline) -> list[Score]:
    result = []
    for name, metric in metrics.METRICS[task.kind].items():
        folds, base = ([fold[name] for fold in each] for each in (scores, baseline))
        result.append(
            Score(
                metric=name,
                higher_is_better=metric.higher_is_better,
                holdout=folds[HOLDOUT],
                mean=float(np.mean(folds)),
                sd=float(np.std(folds, ddof=1)),
                baseline_holdout=base[HOLDOUT],
                baseline_mean=float(np.mean(base)),
            )
        )
    return result


def _importance(task: Task, stored: BaseEstimator, held_out: Examples) -> dict[str, float]:
    """Permutation importance (Breiman 2001): the metric's loss with a column shuffled."""
    metric = metrics.METRICS[task.kind][task.metric]
    sign = 1 if metric.higher_is_better else -1

    def scorer(estimator, features, label):
        return sign * metric.compute(label, export.predict(estimator, features)[:, -1])

    result = permutation_importance(
        stored, held_out.features, held_out.label, scoring=scorer, n_repeats=5, random_state=0
    )
    return dict(zip(task.inputs, result.importances_mean.tolist(), strict=True))


def rescore(task: Task, content: bytes, rows: Examples) -> float:
    """Return the task's metric of a stored model on fold HOLDOUT of these rows."""
    _, held_out = rows.split(HOLDOUT)
    predicted = export.run(content, held_out.features)[:, -1]
    return metrics.score(task.kind, held_out.label, predicted)[task.metric]
