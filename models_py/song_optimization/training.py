"""Training of song optimization: teacher, student, held-out evaluator and optimizer.

In code and in the registry the held-out evaluator is called `judge`, and the optimizer `gradient`.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from xgboost import XGBRegressor

from models_py import export
from models_py.agreement import difference
from models_py.bootstrap import Estimate
from models_py.examples import SettingsError
from models_py.song_optimization import graph, search
from models_py.song_optimization.data import Data, Songs
from models_py.song_optimization.protocol import (
    BOUNDS,
    JUDGE,
    MAX_CHANGE,
    MOST,
    PENALTY,
    STEPS,
    STUDENT,
    TASK,
    TEST,
)
from models_py.song_optimization.student import Student
from models_py.training import Candidate, Score

METRIC = "judged_gain"
LOWER_IS_BETTER = {"rmse", "mae"}
ALGORITHMS = ("teacher", "student", "judge", "gradient")
# Songs of the test part that optimizers are measured on, and songs in one run of the graph.
MEASURED_SONGS, BATCH = 1_000, 512
# Real songs that the graph contains, to compute how far a song is from them.
REFERENCE_SONGS = 512
log = logging.getLogger("models_py.song_optimization")


@dataclass(frozen=True)
class Models:
    """The trained teacher, student and held-out evaluator, and the seconds of each training."""

    teacher: XGBRegressor
    student: Student
    judge: XGBRegressor
    seconds: Mapping[str, float]


def check(config: Mapping[str, Mapping]) -> None:
    """Check that all algorithms are there and that their hyperparameters are known.

    Raises:
        SettingsError: an algorithm is missing, or an algorithm or a hyperparameter is unknown.
    """
    if set(config) != set(ALGORITHMS):
        raise SettingsError(
            f"task {TASK} has the algorithms {', '.join(config) or 'none'}, and needs exactly "
            f"{', '.join(ALGORITHMS)}"
        )
    trees = set(XGBRegressor().get_params())
    known = {"teacher": trees, "judge": trees, "student": {*signature(Student).parameters}}
    for name, params in config.items():
        if misspelt := set(params) - known.get(name, set()):
            raise SettingsError(
                f"task {TASK}: {name} has no hyperparameter {', '.join(sorted(misspelt))}: "
                f"it has {', '.join(sorted(known.get(name, ()))) or 'none'}"
            )


def fit(data: Data, config: Mapping[str, Mapping]) -> Models:
    """Train teacher, student and held-out evaluator.

    Args:
        data: the songs of each part.
        config: hyperparameters by algorithm.

    Raises:
        TrainingError: see `check`.
    """
    check(config)
    seconds: dict[str, float] = {}

    def timed(name: str, train: Callable[[], BaseEstimator]) -> BaseEstimator:
        started = time.perf_counter()
        model = train()
        seconds[name] = time.perf_counter() - started
        log.info("%s: %s trained (%.1f s)", TASK, name, seconds[name])
        return model

    own, others = data.parts[STUDENT], data.parts[JUDGE]
    teacher = timed("teacher", lambda: _trees(config["teacher"], own))
    student = Student(**config["student"])
    timed(
        "student",
        lambda: student.fit(own.features, own.popularity, teacher, [*BOUNDS.values()]),
    )
    # Another seed than the teacher's, so that both do not share the same random errors.
    judge = timed("judge", lambda: _trees({"random_state": 1, **config["judge"]}, others))
    return Models(teacher, student, judge, seconds)


def _trees(params: Mapping, songs: Songs) -> XGBRegressor:
    options = {"random_state": 0, "n_jobs": 1} | dict(params)
    return XGBRegressor(**options).fit(songs.features, songs.popularity)


def candidates(data: Data, models: Models) -> list[Candidate]:
    """Return teacher, student, held-out evaluator and optimizer, measured and exported.

    Raises:
        models_py.export.ExportError: a graph differs from its model.
    """
    return [
        _model(data, "teacher", models.teacher, STUDENT, models.seconds),
        _model(data, "student", models.student.as_net(), STUDENT, models.seconds),
        _model(data, "judge", models.judge, JUDGE, models.seconds),
        _gradient(data, models),
    ]


def _model(data: Data, name: str, model: BaseEstimator, part: str, seconds: Mapping) -> Candidate:
    """Measure a model of popularity; its baseline is the mean popularity of its training songs."""
    songs, tried = data.parts[part], data.parts[TEST]
    content = export.to_onnx(model, len(data.names))
    mean = np.full(len(tried), songs.popularity.mean())
    return _candidate(
        name,
        content,
        export.check_parity(content, model, tried.features),
        _scores(_errors(tried, model.predict(tried.features)), _errors(tried, mean), tried),
        (len(songs), len(tried)),
        seconds[name],
    )


def _gradient(data: Data, models: Models) -> Candidate:
    """Measure the optimizer; its baseline is random search, or leaving the songs unchanged."""
    started = time.perf_counter()
    songs, tried = data.parts[STUDENT], data.parts[TEST].first(MEASURED_SONGS)
    free = songs.features[:, : len(BOUNDS)]
    content = graph.to_onnx(models.student, free.std(axis=0), free[:REFERENCE_SONGS])
    seconds = time.perf_counter() - started
    found: dict[str, Estimate] = {}
    baseline: dict[str, Estimate] = {}
    # With the default number of changed features, and with all.
    some, every = (optimize(content, tried.features, most) for most in (MOST, len(BOUNDS)))
    for answer, most, suffix in ((some, MOST, ""), (every, len(BOUNDS), "_all")):
        by_chance = search.by_chance(models.student.predict, tried.features, most)
        found |= _named(gains(models, tried, changed(tried.features, answer)), suffix)
        baseline |= _named(best_baseline(gains(models, tried, by_chance)), suffix)
    candidate = _candidate(
        "gradient",
        content,
        _check_parity(models.student, tried.features, every),
        _scores(found, baseline, tried),
        (len(songs), len(tried)),
        seconds,
    )
    log.info(
        "%s, gradient: %s %.2f, baseline %.2f (%.1f s)",
        TASK,
        METRIC,
        found[METRIC].value,
        baseline[METRIC].value,
        time.perf_counter() - started,
    )
    return candidate


def optimize(content: bytes, songs: NDArray, most: int, steps: int = STEPS) -> dict[str, NDArray]:
    """Return the outputs of a serialized graph for songs (n, k), by name.

    Args:
        content: the graph, see `models_py.song_optimization.graph`.
        songs: shape (n, k).
        most: how many features may change.
        steps: how many steps.
    """
    session = export.session(content)
    low, high = np.array([*BOUNDS.values()], dtype=np.float32).T
    parts = []
    for start in range(0, len(songs), BATCH):
        part = songs[start : start + BATCH].astype(np.float32)
        shape = len(part), len(low)
        feeds = {
            "songs": part,
            "lows": np.broadcast_to(low, shape),
            "highs": np.broadcast_to(high, shape),
            "max_changes": np.broadcast_to(np.float32(MAX_CHANGE) * (high - low), shape),
            "most": np.full((len(part), 1), most),
            "penalty": np.full((len(part), 1), PENALTY, np.float32),
            "steps": np.array(steps),
        }
        parts.append(session.run([*graph.OUTPUTS], feeds))
    whole = (np.concatenate(values) for values in zip(*parts, strict=True))
    return dict(zip(graph.OUTPUTS, whole, strict=True))


def changed(songs: NDArray, answer: Mapping[str, NDArray]) -> NDArray:
    """Return songs (n, k) with their optimized features."""
    return np.hstack([answer["optimized"], songs[:, len(BOUNDS) :]])


def gains(models: Models, songs: Songs, optimized: NDArray) -> dict[str, Estimate]:
    """Return the predicted gains of optimized songs (n, k), in points of popularity.

    Returns:
        `claimed_gain`: the mean gain predicted by the student.
        `judged_gain`: the mean gain predicted by the held-out evaluator.
        `judged_share`: the ratio of judged_gain to claimed_gain.
        `confirmed_songs`: the share of songs for which the held-out evaluator predicts a gain.
    """
    claimed, judged = (
        model.predict(optimized) - model.predict(songs.features)
        for model in (models.student, models.judge)
    )
    claimed_gain, judged_gain = (Estimate.mean(gain, songs.artists) for gain in (claimed, judged))
    return {
        METRIC: judged_gain,
        "claimed_gain": claimed_gain,
        "judged_share": judged_gain.share_of(claimed_gain),
        "confirmed_songs": Estimate.mean(judged > 0, songs.artists),
    }


def best_baseline(by_chance: dict[str, Estimate]) -> dict[str, Estimate]:
    """Return the gains of random search, with METRIC at least 0: unchanged songs gain 0."""
    unchanged = Estimate(0.0, np.zeros_like(by_chance[METRIC].draws))
    return by_chance | {METRIC: max(by_chance[METRIC], unchanged, key=lambda found: found.value)}


def _named(estimates: dict[str, Estimate], suffix: str) -> dict[str, Estimate]:
    return {name + suffix: estimate for name, estimate in estimates.items()}


def _errors(songs: Songs, predicted: NDArray) -> dict[str, Estimate]:
    off = predicted - songs.popularity
    return {
        "rmse": Estimate.mean(off**2, songs.artists).root(),
        "mae": Estimate.mean(np.abs(off), songs.artists),
    }


def _scores(found: dict[str, Estimate], baseline: dict[str, Estimate], songs: Songs) -> list[Score]:
    """Return each metric and the baseline's; `sd` and `gain_sd` are bootstrap standard errors."""
    return [
        Score(
            metric=name,
            higher_is_better=name not in LOWER_IS_BETTER,
            holdout=own.value,
            mean=own.value,
            sd=own.error(),
            baseline_holdout=baseline[name].value,
            baseline_mean=baseline[name].value,
            gain_sd=own.error(baseline[name]),
            held_out_groups=len(np.unique(songs.artists)),
        )
        for name, own in found.items()
    ]


def _candidate(
    name: str, content: bytes, parity: float, scores: list[Score], rows: tuple, seconds: float
) -> Candidate:
    train_rows, holdout_rows = rows
    return Candidate(
        algorithm=name,
        onnx=content,
        parity=parity,
        scores=scores,
        importance={},
        calibration=[],
        confusion=[],
        train_rows=train_rows,
        holdout_rows=holdout_rows,
        train_seconds=seconds,
    )


def _check_parity(student: Student, songs: NDArray, answer: Mapping[str, NDArray]) -> float:
    """Return the largest difference between the predictions of the graph and of the student."""
    worst = 0.0
    for name, rows in (("before", songs), ("after", changed(songs, answer))):
        expected = export.predict(student, rows)
        worst = max(worst, float(difference(answer[name], expected).max()))
    if not worst <= export.TOLERANCE:
        raise export.ExportError(
            f"the ONNX graph of song optimization differs from its student by {worst:.2e}, and "
            f"{export.TOLERANCE} is allowed: the model was not stored"
        )
    return worst


def rescore(content: bytes, data: Data, models: Models) -> float:
    """Return METRIC of a stored graph, by this run's held-out evaluator on this run's songs."""
    tried = data.parts[TEST].first(MEASURED_SONGS)
    optimized = changed(tried.features, optimize(content, tried.features, MOST))
    gain = models.judge.predict(optimized) - models.judge.predict(tried.features)
    return float(gain.mean())
