"""`python -m benchmarks speed`: the SQL functions against other ways to score the same rows.

    python -m benchmarks speed --rows 100000 --task hit

CPU time with one thread, for a busy machine stretches the clock; the ways take turns and the best
of REPEATS counts, so that what is compared was measured side by side.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console

import udfs
from benchmarks import BenchError
from benchmarks.contenders import WAYS, Subject, fill
from hitparade.warehouse import opened
from models_py.tasks import TASKS

REPEATS = 3
REPEATS_OF_ONE = 20
# By this much the same way differs from run to run.
NOISE = 0.05
# The slow ways score one row of so many: a row costs them the same.
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
        rows: how many rows to score; the slow ways score fewer.
        names: the tasks.
        console: where to say what is going on; nowhere without it.

    Returns:
        `ways`: for each model and way the microseconds for a row, and `times`, how many times as
        long as onnx_predict that is; where something is asked for, how many it has to be at least
        and whether it is, within NOISE; `what_if`: for each model the microseconds of one row above
        `select 1`, by lane.

    Raises:
        WarehouseError: no finished warehouse.
        BenchError: an unknown task, or one without models.
    """
    if unknown := [name for name in names if name not in TASKS]:
        raise BenchError(f"there is no task {', '.join(unknown)}: use one of {', '.join(TASKS)}")
    say = console or Console(quiet=True)
    found: dict[str, list[dict]] = {"ways": [], "what_if": []}
    with opened(database) as many, opened(database) as few, say.status("") as status:
        for connection in (many, few):
            connection.execute("set enable_progress_bar = false")  # it would stand among the JSON
        udfs.register(many)
        for task in names:
            models = _models(few, task, database)
            status.update(f"{task}: preparing {rows:,} rows")
            fill(many, TASKS[task], rows)
            fill(few, TASKS[task], max(1, rows // FEW))
            for algorithm, model_id, is_trees in models:
                status.update(f"{task}: {algorithm}")
                subject = Subject(many, few, TASKS[task], algorithm, model_id)
                model = {"task": task, "algorithm": algorithm}
                found["ways"] += [model | row for row in _compare(subject, rows, is_trees)]
                found["what_if"].append(model | _what_if(subject))
    return found


def _models(connection: duckdb.DuckDBPyConnection, task: str, database: Path) -> list[tuple]:
    models = connection.execute(SERVED, [task]).fetchall()
    if not models:
        raise BenchError(
            f"{database} has no model of {task}: run `hitparade build`, whose tests say what is "
            "missing"
        )
    return models


def _compare(subject: Subject, rows: int, is_trees: bool) -> list[dict]:
    best = _best({name: partial(way.run, subject) for name, way in WAYS.items()}, REPEATS)
    counts = {name: max(1, rows // FEW) if way.on_few else rows for name, way in WAYS.items()}
    costs = {name: 1e6 * best[name] / counts[name] for name in WAYS}
    result = []
    for name, way in WAYS.items():
        times = costs[name] / costs["onnx_predict"]
        at_least = way.at_least_trees if is_trees else way.at_least
        result.append(
            {
                "way": name,
                "rows": counts[name],
                "us_per_row": costs[name],
                "times": times,
                "at_least": at_least,
                "met": None if at_least is None else times >= at_least * (1 - NOISE),
            }
        )
    return result


def _what_if(subject: Subject) -> dict:
    """Microseconds that the function of the task takes for one row, by lane."""
    query = f"select {subject.typed_call} from one as t"
    lanes = {"runtime": subject.many, "portable": subject.few}
    found = {}
    for name, connection in lanes.items():
        calls = {
            "one": partial(_rows, connection, query),
            "nothing": partial(_rows, connection, "select 1"),
        }
        best = _best(calls, REPEATS_OF_ONE)
        found[name] = 1e6 * (best["one"] - best["nothing"])
    return found


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def _best(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The least CPU seconds of each, all threads of the process together; noise only ever adds."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            best[name] = min(best[name], time.process_time() - start)
    return best
