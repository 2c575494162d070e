"""Hyperparameter search with Optuna on the grouped folds, except HOLDOUT.

The search spaces are in `models_py.spaces`. The first trial always has the present settings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from models_py import algorithms, export, metrics, training
from models_py.examples import HOLDOUT, Examples, TrainingError
from models_py.spaces import Space, space_of
from models_py.tasks import Task

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class Limits:
    """The limits of a search.

    Attributes:
        trials: the largest number of trials.
        seconds: after this time no further fold is started.
        seed: of the sampler.
    """

    trials: int = 30
    seconds: float = 600
    seed: int = 0


@dataclass(frozen=True)
class Trial:
    """Hyperparameters and their metric.

    Attributes:
        number: counted from 0, which are the present settings.
        state: one of
            complete;
            pruned: stopped early, because it was worse than the median of the complete trials;
            cut: stopped, because the time was over;
            failed: could not be trained;
            refused: had the best metric, but a build would not store the model.
        settings: the hyperparameters.
        folds: the task's metric on each measured fold, by a model trained on the other folds.
        started_at: in UTC.
        seconds: its duration.
        reason: why it failed or was refused.
    """

    number: int
    state: str
    settings: dict
    folds: tuple[float, ...]
    started_at: datetime
    seconds: float
    reason: str = ""

    @property
    def value(self) -> float | None:
        """The mean over the folds; None if the trial is not complete."""
        return float(np.mean(self.folds)) if self.state == "complete" else None

    @property
    def standard_error(self) -> float | None:
        """The standard error of `value`; None if the trial is not complete."""
        return standard_error(self.folds) if self.state == "complete" else None


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of a mean."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def search(
    task: Task, algorithm: str, rows: Examples, given: Sequence[Mapping], limits: Limits
) -> Iterator[Trial]:
    """Yield each trial when it ends. The given settings are tried first.

    Args:
        task: the task.
        algorithm: one of the task's algorithms.
        rows: the folds to search on, without HOLDOUT: models are compared on that fold, so no
            setting may be chosen by it.
        given: the present settings, then settings that a person wrote. The last of them supply the
            hyperparameters that the search space does not contain.
        limits: trials, seconds and seed.

    Raises:
        TrainingError: there are fewer than two folds, HOLDOUT is one of them, or the present
            settings cannot be trained.
    """
    folds = sorted(np.unique(rows.fold).tolist())
    if len(folds) < 2 or HOLDOUT in folds:
        raise TrainingError(
            f"task {task.name} has the folds {folds} to search on and needs two besides fold "
            f"{HOLDOUT}: set `folds` in dbt_project.yml to 3 or more, then run `hitparade build`"
        )
    deadline = monotonic() + limits.seconds
    space = space_of(task, algorithm)
    is_higher_better = metrics.METRICS[task.kind][task.metric].higher_is_better
    study = optuna.create_study(
        direction="maximize" if is_higher_better else "minimize",
        sampler=optuna.samplers.TPESampler(
            seed=limits.seed, n_startup_trials=max(4, limits.trials // 4)
        ),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    for number, settings in enumerate(given[: limits.trials]):
        if number and monotonic() >= deadline:
            return
        trial = _measure(task, algorithm, rows, number, dict(settings), deadline, _never_prune)
        yield trial
        if trial.state == "complete":
            params = algorithms.estimator(task.kind, algorithm, settings).get_params()
            study.add_trial(_in_space(trial, params, space))
    for number in range(len(given), limits.trials):
        if monotonic() >= deadline:
            return
        asked = study.ask(dict(space))
        settings = dict(given[-1]) | {name: _rounded(value) for name, value in asked.params.items()}
        trial = _measure(task, algorithm, rows, number, settings, deadline, _pruner(asked))
        if trial.state == "complete":
            study.tell(asked, trial.value)
        else:
            study.tell(
                asked, state=TrialState.PRUNED if trial.state == "pruned" else TrialState.FAIL
            )
        yield trial


def _measure(
    task: Task,
    algorithm: str,
    rows: Examples,
    number: int,
    settings: dict,
    deadline: float,
    is_hopeless: Callable[[int, float], bool],
) -> Trial:
    """Measure settings fold by fold, until the deadline or until the trial is pruned."""
    started_at, began = datetime.now(UTC).replace(tzinfo=None), monotonic()
    folds: list[float] = []
    state, reason = "complete", ""
    for fold in sorted(np.unique(rows.fold).tolist()):
        if monotonic() >= deadline:
            state = "cut"
            break
        if folds and is_hopeless(len(folds), float(np.mean(folds))):
            state = "pruned"
            break
        try:
            folds.append(_score(task, algorithm, settings, *rows.split(fold)))
        except ValueError as error:
            if number == 0:
                raise TrainingError(
                    f"task {task.name}: {algorithm} cannot be trained with its present settings "
                    f"{settings}: {error}"
                ) from error
            state, reason = "failed", str(error)
            break
    return Trial(number, state, settings, tuple(folds), started_at, monotonic() - began, reason)


def _score(
    task: Task, algorithm: str, settings: Mapping, seen: Examples, held_out: Examples
) -> float:
    fitted = algorithms.estimator(task.kind, algorithm, settings)
    fitted.fit(seen.features, seen.label)
    predicted = export.predict(fitted, held_out.features)
    return float(metrics.METRICS[task.kind][task.metric].compute(held_out.label, predicted))


def _never_prune(step: int, mean: float) -> bool:
    return False


def _pruner(asked: optuna.Trial) -> Callable[[int, float], bool]:
    """Return a function that reports the mean so far to the study and asks whether to stop."""

    def is_hopeless(step: int, mean: float) -> bool:
        asked.report(mean, step)
        return asked.should_prune()

    return is_hopeless


def _rounded(value: Any) -> Any:
    """Round a float to three digits, so that the settings tried are the settings shown."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _in_space(trial: Trial, params: Mapping, space: Space) -> optuna.trial.FrozenTrial:
    """Return given settings as a trial of the study, without those outside the search space."""
    known = {}
    for name, distribution in space.items():
        value = params[name]
        value = list(value) if isinstance(value, tuple) else value
        try:
            optuna.create_trial(
                params={name: value}, distributions={name: distribution}, value=trial.value
            )
        except (TypeError, ValueError):  # such as xgboost's None, or a value outside the range
            continue
        known[name] = value
    return optuna.create_trial(
        params=known,
        distributions={name: space[name] for name in known},
        value=trial.value,
        intermediate_values={
            step: float(np.mean(trial.folds[:step])) for step in range(1, len(trial.folds) + 1)
        },
    )


def best(task: Task, trials: list[Trial]) -> list[Trial]:
    """Return the complete trials, the best first; ties in the order of their numbers."""
    sign = -1 if metrics.METRICS[task.kind][task.metric].higher_is_better else 1
    complete = [(value, trial) for trial in trials if (value := trial.value) is not None]
    return [trial for _, trial in sorted(complete, key=lambda one: (sign * one[0], one[1].number))]


@dataclass(frozen=True)
class Final:
    """The model that a build would store, trained on all folds except HOLDOUT.

    Attributes:
        holdout: the task's metric on fold HOLDOUT.
        onnx_bytes: the size of its graph.
    """

    holdout: float
    onnx_bytes: int


@dataclass(frozen=True)
class Outcome:
    """The present and the best settings, on the search folds and on fold HOLDOUT.

    `present_final` is None if a build would not store a model with the present settings.
    """

    present: Trial
    best: Trial
    present_final: Final | None
    best_final: Final

    @property
    def is_better(self) -> bool:
        """Whether the best settings are not the present ones."""
        return self.best.number != self.present.number


def outcome(task: Task, algorithm: str, rows: Examples, trials: list[Trial]) -> Outcome | None:
    """Return the best trial whose model a build would store; None if there is none.

    The other trials that were tried here are marked as refused in `trials`.

    Args:
        task: the task.
        algorithm: the algorithm that was searched.
        rows: the feature table with all folds, including HOLDOUT.
        trials: the trials of the search, in order; changed in place.
    """
    if not best(task, trials):
        return None
    present = trials[0]
    present_final = _final(task, algorithm, rows, trials, 0)
    while found := best(task, trials):
        number = found[0].number
        final = present_final if number == 0 else _final(task, algorithm, rows, trials, number)
        if final:
            return Outcome(present, found[0], present_final, final)
    return None


def _final(
    task: Task, algorithm: str, rows: Examples, trials: list[Trial], number: int
) -> Final | None:
    """Train a trial's model; mark the trial as refused and return None if it cannot be stored."""
    seen, _ = rows.split(HOLDOUT)
    fitted = algorithms.estimator(task.kind, algorithm, trials[number].settings)
    fitted.fit(seen.features, seen.label)
    try:
        content = export.to_onnx(fitted, len(rows.names))
        export.check_parity(content, fitted, rows.features)
    except export.ExportError as error:
        trials[number] = replace(trials[number], state="refused", reason=str(error))
        return None
    return Final(training.rescore(task, content, rows), len(content))
