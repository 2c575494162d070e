"""Search of hyperparameters with optuna on the grouped folds, all but HOLDOUT.

What is tried stands in `models_py.spaces`; the first trial is always the present settings.
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
    """How far a search goes: trials, seconds after which no fold begins, and the seed."""

    trials: int = 30
    seconds: float = 600
    seed: int = 0


@dataclass(frozen=True)
class Trial:
    """Settings and what they were worth.

    Attributes:
        number: from 0, the present settings.
        state: complete; pruned: worse than half of those complete; cut: out of time; failed:
            could not be trained; refused: the best, but a build would not store it.
        settings: hyperparameters.
        folds: the task's metric on each fold that was measured, each by a model of the others.
        started_at: in UTC.
        seconds: what it took.
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
        """The mean over the folds; None where some were not measured."""
        return float(np.mean(self.folds)) if self.state == "complete" else None

    @property
    def standard_error(self) -> float | None:
        """The standard error of `value`."""
        return standard_error(self.folds) if self.state == "complete" else None


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of a mean."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def search(
    task: Task, algorithm: str, rows: Examples, given: Sequence[Mapping], limits: Limits
) -> Iterator[Trial]:
    """Yield each trial as it ends, first those of the given settings.

    Args:
        task: what is learned.
        algorithm: one of the task's.
        rows: the folds to search on. HOLDOUT is none of them: a later model is compared with an
            earlier one there, so nothing may be chosen by it.
        given: hyperparameters to begin with: the present ones, then others a person wrote. The last
            say what the space does not.
        limits: trials, seconds and seed.

    Raises:
        TrainingError: fewer than two folds to search on, or HOLDOUT among them.
    """
    folds = sorted(np.unique(rows.fold).tolist())
    if len(folds) < 2 or HOLDOUT in folds:
        raise TrainingError(
            f"task {task.name} has the folds {folds} to search on and needs two beside fold "
            f"{HOLDOUT}: set `folds` in dbt_project.yml to 3 or more, then `hitparade build`"
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
        trial = _measure(task, algorithm, rows, number, dict(settings), deadline, _never)
        yield trial
        if trial.state == "complete":
            params = algorithms.estimator(task.kind, algorithm, settings).get_params()
            study.add_trial(_as_known(trial, params, space))
    for number in range(len(given), limits.trials):
        if monotonic() >= deadline:
            return
        asked = study.ask(dict(space))
        settings = dict(given[-1]) | {name: _short(value) for name, value in asked.params.items()}
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
    """Measure settings on one fold after the other, as long as there is time and hope."""
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


def _never(step: int, mean: float) -> bool:
    return False


def _pruner(asked: optuna.Trial) -> Callable[[int, float], bool]:
    """Tell the study the mean of the folds so far, and ask whether to go on."""

    def is_hopeless(step: int, mean: float) -> bool:
        asked.report(mean, step)
        return asked.should_prune()

    return is_hopeless


def _short(value: Any) -> Any:
    """A number that a person can read, which is the one that is tried."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _as_known(trial: Trial, params: Mapping, space: Space) -> optuna.trial.FrozenTrial:
    """Given settings as a trial of the study, as far as they lie within the space."""
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
    """Return the complete trials, the best first; of equal ones the earlier."""
    sign = -1 if metrics.METRICS[task.kind][task.metric].higher_is_better else 1
    complete = [(value, trial) for trial in trials if (value := trial.value) is not None]
    return [trial for _, trial in sorted(complete, key=lambda one: (sign * one[0], one[1].number))]


@dataclass(frozen=True)
class Final:
    """Settings on fold HOLDOUT, trained on all others: the model that a build would store."""

    holdout: float
    onnx_bytes: int


@dataclass(frozen=True)
class Outcome:
    """The present settings and the best, also on fold HOLDOUT.

    `present_final` is None where a build would not store the present settings.
    """

    present: Trial
    best: Trial
    present_final: Final | None
    best_final: Final

    @property
    def is_better(self) -> bool:
        """Whether anything was better than the present settings."""
        return self.best.number != self.present.number


def outcome(task: Task, algorithm: str, rows: Examples, trials: list[Trial]) -> Outcome | None:
    """Return the best trial that a build would accept; None where none was measured in time.

    A trial that a build would not accept is marked as refused in `trials`.

    Args:
        task: what was learned.
        algorithm: the one searched.
        rows: the feature table with all its folds.
        trials: those of the search, in order.
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
    """A trial on fold HOLDOUT; None, and the trial is refused, where a build would not store it."""
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
