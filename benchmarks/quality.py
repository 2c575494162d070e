"""`python -m benchmarks quality`: every algorithm on the grouped folds of several splits.

An algorithm has the settings of its newest version. Seed 0 is the stored split, so its mean equals
that of ml.model_metrics. Another seed splits the same songs into other folds, as the macro `fold`
does with another salt.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import BenchError
from hitparade.warehouse import newest_settings, opened, vocabularies
from models_py import algorithms, training
from models_py.examples import Examples, TrainingError, examples
from models_py.metrics import METRICS, gain_error
from models_py.tasks import TASKS, Task

SOURCES = {"dim_songs": "chart_songs", "dim_tracks": "tracks"}
# Tasks for which more than the metric of the task is reported.
REPORTED = {"tier": ("accuracy", "macro_f1")}
# The aims, stated for the published files: metric, column, limit. One model must reach all.
AIMS = {
    "log_streams_context": (("rmse", "ratio", 0.72),),
    "tier": (("accuracy", "value", 0.58), ("macro_f1", "value", 0.44)),
}
# The task for which the question is whether its inputs have any signal.
PLAIN = "log_streams"
# The same expression as that of the macro `fold` in dbt_project/macros/features/fold.sql.
FOLD = "cast(mod(cast('0x' || left(md5(pair_key || '|{salt}'), 8) as bigint), {folds}) as integer)"


@dataclass(frozen=True)
class Subject:
    """A task to be measured.

    Attributes:
        task: the task.
        settings: hyperparameters by algorithm.
        table: the feature table, with a column `fold_1`, `fold_2` ... for each further seed.
        vocabularies: for each one-hot group, its members in order.
        is_real: whether the rows come from the published files, not from the sample.
    """

    task: Task
    settings: dict[str, dict]
    table: pa.Table
    vocabularies: dict[str, list[str]]
    is_real: bool

    def examples(self, seed: int) -> Examples:
        """Return the rows, with the folds of a seed."""
        table = self.table
        if seed:
            index = table.column_names.index("fold")
            table = table.set_column(index, "fold", table[f"fold_{seed}"])
        return examples(self.task, table, self.vocabularies)


@dataclass(frozen=True)
class Measured:
    """An algorithm and the baseline on one split.

    Attributes:
        folds: every metric of the algorithm by fold.
        baseline: every metric of the baseline by fold.
        seconds: the time of all folds.
    """

    folds: dict[int, dict[str, float]]
    baseline: dict[int, dict[str, float]]
    seconds: float


def run(
    database: Path, seeds: int, names: Sequence[str] = (), console: Console | None = None
) -> list[dict]:
    """Measure the algorithms of tasks on several splits.

    Args:
        database: a finished warehouse; it is closed before the training begins.
        seeds: number of splits.
        names: names of tasks; empty for all that have a model.
        console: shows a progress bar; None shows nothing.

    Returns:
        A dict for each task, algorithm and metric, see `_row`.

    Raises:
        WarehouseError: there is no finished warehouse.
        BenchError: a task is unknown, has no model, or cannot be split.
    """
    subjects = read(database, seeds, names)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    total = seeds * sum(len(subject.settings) for subject in subjects)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=console is None
    ) as progress:
        bar = progress.add_task("", total=total)
        found = []
        for subject in subjects:
            measured: dict[str, list] = {algorithm: [] for algorithm in subject.settings}
            for seed in range(seeds):
                rows = subject.examples(seed)
                baseline = training.evaluate_baseline(subject.task, rows)
                for algorithm in subject.settings:
                    name = f"{subject.task.name}, {algorithm}, seed {seed}"
                    progress.update(bar, description=name)
                    measured[algorithm].append(_measure(subject, algorithm, rows, baseline))
                    progress.advance(bar)
            found += _rows(subject, measured)
    return found


def read(database: Path, seeds: int, names: Sequence[str] = ()) -> list[Subject]:
    """Return the tasks to measure, after checking every split of them.

    Raises:
        WarehouseError: there is no finished warehouse.
        BenchError: a task is unknown, has no model, or cannot be split.
    """
    if unknown := [name for name in names if name not in TASKS]:
        raise BenchError(f"there is no task {', '.join(unknown)}: use one of {', '.join(TASKS)}")
    with opened(database) as connection:
        settings = newest_settings(connection)
        present = [name for name in TASKS if name in settings]
        missing = [name for name in names or TASKS if name not in settings]
        if missing and (names or not present):
            raise BenchError(
                f"{database} has models of {', '.join(present) or 'no task'}, and none of "
                f"{', '.join(missing)}: run `hitparade build`; its tests say what is missing"
            )
        chosen = [name for name in present if name in (names or present)]
        subjects = [_subject(connection, TASKS[name], settings[name], seeds) for name in chosen]
    for subject in subjects:
        _check(subject, seeds)
    return subjects


def _subject(
    connection: duckdb.DuckDBPyConnection, task: Task, settings: dict[str, dict], seeds: int
) -> Subject:
    features = f"features.feat_{task.name}"
    ((folds,),) = connection.execute(f"select 1 + max(fold) from {features}").fetchall()
    others = "".join(
        f", {FOLD.format(salt=seed, folds=folds or 1)} as fold_{seed}" for seed in range(1, seeds)
    )
    table = connection.sql(f"select *{others} from {features}").to_arrow_table()
    status = connection.execute(
        "select status from staging.stg_raw__files where source = ?", [SOURCES[task.entity]]
    ).fetchall()
    # The registry also has versions of algorithms that the task no longer has.
    known = {name: settings[name] for name in task.algorithms if name in settings}
    return Subject(task, known, table, vocabularies(connection), status == [("real",)])


def _check(subject: Subject, seeds: int) -> None:
    name, stored = subject.task.name, sorted(set(subject.table["fold"].to_pylist()))
    for seed in range(seeds):
        try:
            training.check(subject.task, subject.settings)
            if training.folds_of(subject.task, subject.examples(seed)) != stored:
                raise TrainingError(f"task {name}: another split leaves a fold without rows")
        except TrainingError as error:
            step = f"set --seeds to {seed}" if seed else "run `hitparade build`"
            raise BenchError(
                f"{error}\nSeed {seed} of {name} cannot be measured: {step}, or name other tasks "
                "with --task"
            ) from error


def _measure(subject: Subject, algorithm: str, rows: Examples, baseline: dict) -> Measured:
    started = time.perf_counter()
    settings = subject.settings[algorithm]
    estimator = algorithms.estimator(subject.task.kind, algorithm, settings)
    folds = training.evaluate(subject.task, estimator, rows).metrics
    return Measured(folds, baseline, time.perf_counter() - started)


def _rows(subject: Subject, measured: dict[str, list[Measured]]) -> list[dict]:
    """Return the rows of a task, with their verdicts."""
    result = []
    for algorithm, runs in measured.items():
        names = REPORTED.get(subject.task.name, (subject.task.metric,))
        rows = [_row(subject, algorithm, name, runs) for name in names]
        found = _verdict(subject, {row["metric"]: row for row in rows})
        result += [row | found for row in rows]
    return result


def _row(subject: Subject, algorithm: str, metric: str, runs: list[Measured]) -> dict:
    """Return one metric of an algorithm.

    Returns:
        `value`, `baseline`: means over seeds and folds.
        `sd`: standard deviation of the seeds' means, the effect of the choice of the split.
        `ratio`: value / baseline, if lower is better.
        `gain`: how much better than the baseline.
        `gain_se`: its standard error, `metrics.gain_error` of the paired gains over the folds of a
        split. More seeds do not reduce it, because they add no songs.
        `seconds`: the time of all folds.
    """
    kind = subject.task.kind
    higher = METRICS[kind][metric].higher_is_better
    values, base = (
        np.array([[fold[metric] for fold in getattr(run, by).values()] for run in runs])
        for by in ("folds", "baseline")
    )
    gains = (values - base) * (1 if higher else -1)
    errors = [gain_error(gain) for gain in gains]
    return {
        "task": subject.task.name,
        "algorithm": algorithm,
        "metric": metric,
        "value": float(values.mean()),
        "sd": float(values.mean(axis=1).std(ddof=1)) if len(runs) > 1 else None,
        "baseline": float(base.mean()),
        "ratio": None if higher else float(values.mean() / base.mean()),
        "gain": float(gains.mean()),
        "gain_se": float(np.sqrt(np.mean(np.square(errors)))),
        "seconds": sum(run.seconds for run in runs),
        "rows": subject.table.num_rows,
    }


def _verdict(subject: Subject, rows: dict[str, dict]) -> dict[str, str | None]:
    """Return whether one model reaches the aim of its task, and the aim.

    Both are None for the sample, because the aims are stated for the published files.
    """
    if subject.task.name == PLAIN:
        row = rows[subject.task.metric]
        is_noise = row["gain"] <= 2 * row["gain_se"]
        return {"verdict": f"{'no ' if is_noise else ''}signal beyond the mean", "aim": None}
    parts = AIMS.get(subject.task.name)
    if not parts or not subject.is_real:
        return {"verdict": None, "aim": None}
    is_met = all(
        rows[metric][column] >= limit if column == "value" else rows[metric][column] <= limit
        for metric, column, limit in parts
    )
    aim = " and ".join(
        f"{metric} >= {limit}" if column == "value" else f"{metric} / baseline <= {limit}"
        for metric, column, limit in parts
    )
    return {"verdict": "met" if is_met else "not met", "aim": aim}
