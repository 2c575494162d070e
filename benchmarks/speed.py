"""`python -m benchmarks speed`: the SQL functions and other methods on the same rows.

    python -m benchmarks speed --rows 100000 --task hit

Each model in turn becomes the champion of a copy of the database, so that the functions are timed
which people call. CPU time of one thread is measured, because wall-clock time depends on the load
of the machine. The contenders take turns, and the best of REPEATS counts.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console

import udfs
from benchmarks import BenchError
from benchmarks.contenders import CONTENDERS, FUNCTION, Subject, fill
from hitparade.warehouse import opened
from models_py.tasks import TASKS

REPEATS = 3
REPEATS_OF_ONE = 20
# The relative difference of the same contender between runs.
NOISE = 0.05
# Slow contenders score 1/50 of the rows; their time is proportional to the number of rows.
FEW = 50
SERVED = """
    select algorithm, model_id, kind = 'trees' as is_trees
    from ml.served_models
    where is_newest and task = ? and kind is not null
    order by all
"""


def run(
    database: Path, rows: int, names: Sequence[str], console: Console | None = None
) -> dict[str, list[dict]]:
    """Time the newest model of each algorithm of some tasks.

    Args:
        database: a finished warehouse.
        rows: number of rows to score; slow contenders score fewer.
        names: names of the tasks.
        console: shows the progress; None shows nothing.

    Returns:
        `contenders`: for each model and contender the microseconds per row; `times`, this divided
            by that of the function of the task; `at_least`, the smallest acceptable `times`, if
            there is one; and `met`, whether it is reached within NOISE.
        `one_row`: for each model and backend, how many microseconds a query of one row takes more
            than `select 1`.
        `explanations`: for each model the microseconds of an explanation in ONNX Runtime;
            `one_row`, those of a query of one row above `select 1`; `mixed_songs`, the size of its
            plan; and `times`, the time in which onnxruntime scores as many songs, divided by that
            of the explanation.

    Raises:
        WarehouseError: there is no finished warehouse.
        BenchError: a task is unknown or has no models.
    """
    if unknown := [name for name in names if name not in TASKS]:
        raise BenchError(f"there is no task {', '.join(unknown)}: use one of {', '.join(TASKS)}")
    say = console or Console(quiet=True)
    found: dict[str, list[dict]] = {"contenders": [], "one_row": [], "explanations": []}
    with opened(database):
        pass  # a missing or foreign file is reported before it is copied
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(shutil.copy(database, folder))
        with (
            opened(copied, read_only=False) as many,
            many.cursor() as few,
            say.status("") as status,
        ):
            for connection in (many, few):
                connection.execute("set enable_progress_bar = false")  # it would break the JSON
            udfs.register(many)
            for task in names:
                models = _models(few, task, database)
                status.update(f"{task}: preparing {rows:,} rows")
                fill(many, TASKS[task], rows)
                fill(few, TASKS[task], max(1, rows // FEW))
                for algorithm, model_id, is_trees in models:
                    status.update(f"{task}: {algorithm}")
                    udfs.promote(few, task, model_id)
                    subject = Subject(many, few, TASKS[task], model_id)
                    model = {"task": task, "algorithm": algorithm}
                    compared = _compare(subject, rows, is_trees)
                    found["contenders"] += [model | row for row in compared]
                    found["one_row"].append(model | _one_row(subject))
                    found["explanations"].append(model | _explanations(subject, rows, compared))
    return found


def _models(connection: duckdb.DuckDBPyConnection, task: str, database: Path) -> list[tuple]:
    models = connection.execute(SERVED, [task]).fetchall()
    if not models:
        raise BenchError(
            f"{database} has no model of {task}: run `hitparade build`; its tests say what is "
            "missing"
        )
    return models


def _compare(subject: Subject, rows: int, is_trees: bool) -> list[dict]:
    best = _best({name: partial(one.run, subject) for name, one in CONTENDERS.items()}, REPEATS)
    counts = {name: max(1, rows // FEW) if one.on_few else rows for name, one in CONTENDERS.items()}
    costs = {name: 1e6 * best[name] / counts[name] for name in CONTENDERS}
    result = []
    for name, contender in CONTENDERS.items():
        times = costs[name] / costs[FUNCTION]
        at_least = contender.at_least_trees if is_trees else contender.at_least
        result.append(
            {
                "contender": name,
                "rows": counts[name],
                "us_per_row": costs[name],
                "times": times,
                "at_least": at_least,
                "met": None if at_least is None else times >= at_least * (1 - NOISE),
            }
        )
    return result


def _one_row(subject: Subject) -> dict:
    """Return the microseconds of the task's function for one row, by backend and form."""
    backends = {"onnx_runtime": subject.many, "sql_backend": subject.few}
    forms = {"": subject.by_columns, "_by_row": subject.by_row}
    found = {}
    for backend, connection in backends.items():
        for form, call in forms.items():
            calls = {
                "one": partial(_rows, connection, f"select {call} from one as t"),
                "nothing": partial(_rows, connection, "select 1"),
            }
            best = _best(calls, REPEATS_OF_ONE)
            found[backend + form] = 1e6 * (best["one"] - best["nothing"])
    return found


def _explanations(subject: Subject, rows: int, compared: list[dict]) -> dict:
    """Return the times of explanations by the function of the task, see `run`."""
    count = max(1, rows // FEW)
    many = (
        f"create or replace temp table explained as select {subject.explanation} as terms "
        f"from (from entities limit {count}) as t"
    )
    best = _best({"many": partial(_rows, subject.many, many)}, REPEATS)
    calls = {
        "one": partial(_rows, subject.many, f"select {subject.explanation} from one as t"),
        "nothing": partial(_rows, subject.many, "select 1"),
    }
    best |= _best(calls, REPEATS_OF_ONE)
    query = "select len(mixes) from ml.explanation_plans where task = ?"
    ((mixed,),) = subject.many.execute(query, [subject.task]).fetchall()
    (alone,) = [row["us_per_row"] for row in compared if row["contender"] == "onnxruntime alone"]
    us = 1e6 * best["many"] / count
    return {
        "rows": count,
        "us_per_row": us,
        "one_row": 1e6 * (best["one"] - best["nothing"]),
        "mixed_songs": mixed,
        "times": mixed * alone / us,
    }


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def _best(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the smallest CPU seconds of each call, over all threads; noise can only add time."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            best[name] = min(best[name], time.process_time() - start)
    return best
