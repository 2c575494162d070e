"""`hitparade tune`: search the hyperparameters of a task, and write the best ones to a file.

The database is closed while a search runs. The trials are then stored through a draft of the file.
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hitparade import project
from hitparade.generate import reading
from hitparade.output import wrote
from hitparade.pipeline.publish import draft
from hitparade.warehouse import (
    WarehouseError,
    feature_table,
    newest_settings,
    opened,
    vocabularies,
)
from models_py import metrics, search, training
from models_py.examples import HOLDOUT, Examples, examples
from models_py.search import Limits, Outcome, Trial
from models_py.spaces import SPACES
from models_py.tasks import TASKS, Task


class TuneError(RuntimeError):
    """The search cannot run or found nothing; the message says why and what to do."""


def run(
    console: Console,
    database: Path,
    name: str,
    algorithms: Sequence[str],
    limits: Limits,
    output: Path,
) -> None:
    """Search the algorithms of a task, store the trials, print and write the best settings.

    Args:
        console: where to print.
        database: a finished warehouse.
        name: name of the task.
        algorithms: algorithms to search; if empty, all of the task that have a search space.
        limits: trials for each algorithm, seconds for all together, and the seed.
        output: the file to write.

    Raises:
        WarehouseError: there is no finished warehouse, or another program has it open.
        TuneError: the search cannot run, or found nothing.
        TrainingError: a model cannot be trained on the feature table or with the settings.
        KeyboardInterrupt: the user pressed Ctrl-C; finished trials and algorithms are kept.
    """
    if name not in TASKS:
        raise TuneError(f"task {name} cannot be tuned: use one of {', '.join(TASKS)}")
    task = TASKS[name]
    written = _written_settings(name)
    names = _algorithms(task, algorithms, written)
    with opened(database) as connection:
        table, members = feature_table(connection, task), vocabularies(connection)
        built = newest_settings(connection).get(name, {})
    # The search gets only the rows of the feature table outside the fold HOLDOUT.
    searched = examples(task, table.filter(pc.field("fold") != HOLDOUT), members)
    rows = examples(task, table, members)
    given = {algorithm: _given(task, algorithm, built, written) for algorithm in names}
    run_id, end = uuid.uuid4().hex[:12], monotonic() + limits.seconds
    tried: dict[str, list[Trial]] = {}
    outcomes: dict[str, search.Outcome] = {}
    try:
        for place, algorithm in enumerate(names):
            part = replace(limits, seconds=(end - monotonic()) / (len(names) - place))
            trials = tried[algorithm] = []
            with _stored(console, database, run_id, task, algorithm, trials):
                _search(console, trials, task, algorithm, searched, given[algorithm], part)
                if found := search.outcome(task, algorithm, rows, trials):
                    outcomes[algorithm] = found
                else:
                    _say(console, f"{algorithm}: no trial with a storable model ended in time")
    finally:
        if outcomes:
            text = _text(task, run_id, limits, tried, outcomes, written)
            console.print(text, markup=False, highlight=False, soft_wrap=True)
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text + "\n", encoding="utf-8")
            wrote(console, output)
    if not outcomes:
        raise TuneError(
            f"no trial ended on all folds within {limits.seconds:g} seconds: allow more with "
            "`--seconds`, or search fewer algorithms with `--algorithm`"
        )


def _say(console: Console, message: str) -> None:
    console.print(message, style="red", markup=False, soft_wrap=True)


def _written_settings(name: str) -> dict[str, dict]:
    """Return the entry `algorithms` in a task's file."""
    declared = reading.read(project.root() / "tasks")
    (task,) = (task for task in declared.tasks if task.name == name)
    return dict(task.algorithms)


def _algorithms(task: Task, asked: Sequence[str], written: dict) -> list[str]:
    training.check(task, {name: {} for name in asked})
    without = [name for name in asked or written if name not in SPACES]
    if without and (asked or len(without) == len(written)):
        known = ", ".join(name for name in task.algorithms if name in SPACES)
        raise TuneError(
            f"task {task.name} has no search space for {', '.join(without)}: models_py/spaces.py "
            f"has one for {known or 'none of its algorithms'}"
        )
    return [name for name in dict.fromkeys(asked or written) if name in SPACES]


def _given(task: Task, algorithm: str, built: dict, written: dict) -> list[dict]:
    """Return the newest version's settings, then those in the task's file if they have changed."""
    found = [settings[algorithm] for settings in (built, written) if algorithm in settings] or [{}]
    for settings in found:
        training.check(task, {algorithm: settings})
    return found[:1] if found[0] == found[-1] else found


def _search(
    console: Console,
    trials: list[Trial],
    task: Task,
    algorithm: str,
    rows: Examples,
    given: Sequence[Mapping],
    limits: Limits,
) -> None:
    """Add each trial to `trials` when it ends, and show a progress bar."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    best = TextColumn(f"{task.metric} {{task.fields[best]}}")
    with Progress(*columns, best, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task(algorithm, total=limits.trials, best="...")
        for trial in search.search(task, algorithm, rows, given, limits):
            trials.append(trial)
            found = search.best(task, trials)
            progress.update(bar, advance=1, best=f"{found[0].value:.4f}" if found else "...")


@contextmanager
def _stored(
    console: Console, database: Path, run_id: str, task: Task, algorithm: str, trials: list[Trial]
) -> Iterator[None]:
    """Append the trials to ml.tuning_trials at the end, also after an error or Ctrl-C."""
    try:
        yield
    finally:
        for trial in (trial for trial in trials if trial.reason):
            _say(console, f"{algorithm}, trial {trial.number} {trial.state}: {trial.reason}")
        if trials:
            _store(console, database, run_id, _rows(run_id, task, algorithm, trials))


def _store(console: Console, database: Path, run_id: str, rows: pa.Table) -> None:
    try:
        with draft(database) as path, opened(path, read_only=False) as connection:
            connection.execute("insert into ml.tuning_trials by name from rows")
        wrote(console, database)
    except (WarehouseError, duckdb.Error, OSError) as error:
        file = Path(f"tuning_trials-{rows['algorithm'][0]}-{run_id}.parquet").resolve()
        pq.write_table(rows, file)
        later = f"insert into ml.tuning_trials by name from '{file}'"
        _say(console, f"{error}\nThe trials are not lost; store them later:\n  {later}")


def _rows(run_id: str, task: Task, algorithm: str, trials: list[Trial]) -> pa.Table:
    """Return trials as rows of ml.tuning_trials."""
    best = search.best(task, trials)[:1]
    rows = [
        {
            "run_id": run_id,
            "task": task.name,
            "algorithm": algorithm,
            "trial": trial.number,
            "state": trial.state,
            "params": json.dumps(trial.settings, sort_keys=True),
            "metric": task.metric,
            "value": trial.value,
            "standard_error": trial.standard_error,
            "seconds": trial.seconds,
            "started_at": trial.started_at,
            "is_present": trial.number == 0,
            "is_best": trial in best,
        }
        for trial in trials
    ]
    return pa.Table.from_pylist(rows)


def _text(
    task: Task,
    run_id: str,
    limits: Limits,
    tried: dict,
    outcomes: dict[str, Outcome],
    written: dict,
) -> str:
    """Return the entry `algorithms` for the task's file, under a comment on the results."""
    is_higher_better = metrics.METRICS[task.kind][task.metric].higher_is_better
    found = {name: outcome.best.settings for name, outcome in outcomes.items()}
    # Settings that are in the file keep their order there.
    settings = written | {n: s for n, s in found.items() if s != written.get(n)}
    file = f"tasks/{task.name}.yml"
    next_step = (
        f"Next: replace `algorithms` in {file} with this, then `hitparade generate`, `dbt build`."
    )
    if settings == written:
        next_step = f"Nothing to change: {file} has these settings already."
    lines = [
        f"hitparade tune {task.name}, run {run_id}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"At most {limits.trials} trials and {limits.seconds:g} seconds, seed {limits.seed}.",
        f"{task.metric} ({'higher' if is_higher_better else 'lower'} is better), mean ± standard "
        f"error over the folds searched; fold {HOLDOUT} was not used to choose.",
    ]
    for name, outcome in outcomes.items():
        lines += _lines(name, tried[name], outcome, 1 if is_higher_better else -1)
    lines += [
        "The best of many trials looks too good on the folds that chose it. A gain within two",
        f"standard errors, or no gain on fold {HOLDOUT}, may be chance.",
        next_step,
    ]
    block = ["algorithms:"]
    for name, values in settings.items():
        flow = yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=10_000)
        block.append(f"  {name}: {flow.strip()}")
    return "\n".join([*(f"# {line}" for line in lines), *block])


def _lines(name: str, trials: list[Trial], outcome: Outcome, sign: int) -> list[str]:
    """Return the lines on the results of an algorithm."""
    counts = Counter(trial.state for trial in trials)
    title = f"{name}: {', '.join(f'{count} {state}' for state, count in counts.items())}"
    lines = [f"{title}; nothing better than the present settings"]
    shown = {"present": (outcome.present, outcome.present_final)}
    if outcome.is_better:
        gain = sign * (np.array(outcome.best.folds) - np.array(outcome.present.folds))
        error = search.standard_error(gain)
        lines = [f"{title}; trial {outcome.best.number} gains {gain.mean():.4f} ± {error:.4f}"]
        shown["best"] = (outcome.best, outcome.best_final)
    for which, (trial, final) in shown.items():
        end = "cannot be stored: a build would refuse it"
        if final:
            end = f"{final.holdout:.4f} on fold {HOLDOUT}, {final.onnx_bytes:,} bytes"
        lines.append(f"  {which:7}  {trial.value:.4f} ± {trial.standard_error:.4f}, {end}")
    return lines
