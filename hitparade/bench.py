"""Benchmarks of a finished warehouse, each a ratio inside one run."""

import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import onnxruntime

import udfs
from hitparade.training_run import TASKS

ROWS = 2_000
REPEATS = 5
SERVED = """
    select
        served.task,
        served.algorithm,
        served.model_id,
        champions.model_id is not null as is_champion,
        list_transform(served.inputs, lambda input: input.name) as names
    from ml.served_models as served
    left join ml.champions as champions
        on served.task = champions.task and served.model_id = champions.model_id
    where served.is_newest
    order by all
"""


def run(database: Path) -> list[dict]:
    """Time the newest model of each algorithm in both lanes, best of REPEATS, one thread.

    Returns:
        One dict for each model: milliseconds for one row in each lane; milliseconds of bare
        onnxruntime for ROWS rows as a numpy array, and each lane's time as a multiple of that.
    """
    portable = duckdb.connect(database, read_only=True, config={"threads": 1})
    runtime = duckdb.connect(database, read_only=True, config={"threads": 1})
    with portable, runtime:
        udfs.register(runtime)
        models = portable.execute(SERVED).fetchall()
        return [_model(portable, runtime, *model) for model in models]


def _model(portable, runtime, task, algorithm, model_id, is_champion, names) -> dict:
    for connection in (portable, runtime):
        _copy_rows(connection, TASKS[task].entity, names)
    reference = _onnxruntime(portable, model_id, names)
    call = f"predict_{task}_by('{algorithm}', t)"
    one = f"select {call} from rows as t limit 1"
    many = f"select sum({call}) from rows as t"
    return {
        "task": task,
        "algorithm": algorithm,
        "champion": is_champion,
        "portable": _best(lambda: portable.execute(one).fetchall()),
        "runtime": _best(lambda: runtime.execute(one).fetchall()),
        "onnxruntime": reference,
        "portable_x": _best(lambda: portable.execute(many).fetchall()) / reference,
        "runtime_x": _best(lambda: runtime.execute(many).fetchall()) / reference,
    }


def _copy_rows(connection, table: str, names: list[str]) -> None:
    """ROWS complete rows of a table, repeated where it has fewer.

    Shuffled: equal rows side by side would let a processor foresee each branch of a tree.
    """
    complete = f"from {table} as t where " + " and ".join(f"{name} is not null" for name in names)
    ((count,),) = connection.execute(f"select count(*) {complete}").fetchall()
    connection.execute(
        f"create or replace temp table rows as select t.* from (select t.* {complete}) as t, "
        f"range({-(-ROWS // count)}) as r (i) order by hash(t, r.i) limit {ROWS}"
    )


def _onnxruntime(connection, model_id: str, names: list[str]) -> float:
    query = f"select [{', '.join(names)}]::float[] from rows"
    features = np.array([row[0] for row in connection.execute(query).fetchall()], dtype=np.float32)
    query = "select onnx from ml.model_artifacts where model_id = ?"
    ((content,),) = connection.execute(query, [model_id]).fetchall()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return _best(lambda: session.run(["scores"], {"features": features}))


def _best(call: Callable[[], object]) -> float:
    """The shortest of REPEATS calls in milliseconds: noise only ever adds."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1e3 * min(seconds)
