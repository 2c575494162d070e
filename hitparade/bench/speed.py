"""`hitparade bench lanes`: what a prediction takes, as a ratio inside one run."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

import udfs
from hitparade.bench import BenchError
from hitparade.training_run import TASKS
from hitparade.warehouse import feature_table, opened, vocabularies
from models_py.examples import examples
from models_py.task import Task

ROWS = 2_000
REPEATS = 5
SERVED = """
    select
        served.task,
        served.algorithm,
        served.model_id,
        champions.model_id is not null as is_champion,
        versions.onnx_bytes,
        versions.train_seconds
    from ml.served_models as served
    inner join ml.model_versions as versions
        on
            served.task = versions.task
            and served.algorithm = versions.algorithm
            and served.model_id = versions.model_id
    left join ml.champions as champions
        on served.task = champions.task and served.model_id = champions.model_id
    where served.is_newest
    qualify row_number() over (partition by served.model_id order by versions.version desc) = 1
    order by all
"""


def run(database: Path) -> list[dict]:
    """Time the newest model of each algorithm in both lanes, best of REPEATS, one thread.

    Returns:
        One dict for each model: milliseconds for one row in each lane; milliseconds of bare
        onnxruntime for ROWS rows as a numpy array, and each lane's time as a multiple of that;
        the size of its graph and the seconds that it took to train.

    Raises:
        WarehouseError: no finished warehouse.
        BenchError: no model in it.
    """
    with opened(database) as portable, opened(database) as runtime:
        udfs.register(runtime)
        models = portable.execute(SERVED).fetchall()
        if not models:
            raise BenchError(
                f"{database} has no model: run `hitparade build`, whose tests say what is missing"
            )
        return [_model(portable, runtime, *model) for model in models]


def _model(
    portable, runtime, task, algorithm, model_id, is_champion, onnx_bytes, train_seconds
) -> dict:
    for connection in (portable, runtime):
        _copy_rows(connection, TASKS[task])
    reference = _onnxruntime(portable, TASKS[task], model_id)
    call = f"predict_{task}_by('{algorithm}', t)"
    one = f"select {call} from rows as t limit 1"
    many = f"select max({call}) from rows as t"
    return {
        "task": task,
        "algorithm": algorithm,
        "champion": is_champion,
        "portable": _best(lambda: portable.execute(one).fetchall()),
        "runtime": _best(lambda: runtime.execute(one).fetchall()),
        "onnxruntime": reference,
        "portable_x": _best(lambda: portable.execute(many).fetchall()) / reference,
        "runtime_x": _best(lambda: runtime.execute(many).fetchall()) / reference,
        "onnx_bytes": onnx_bytes,
        "train_seconds": train_seconds,
    }


def _copy_rows(connection, task: Task) -> None:
    """ROWS rows that can be scored, repeated where there are fewer.

    Shuffled: equal rows side by side would let a processor foresee each branch of a tree.
    """
    complete = f"from {task.entity} as t semi join features.feat_{task.name} using ({task.key})"
    ((count,),) = connection.execute(f"select count(*) {complete}").fetchall()
    connection.execute(
        f"create or replace temp table rows as select t.* from (select t.* {complete}) as t, "
        f"range({-(-ROWS // count)}) as r (i) order by hash(t, r.i) limit {ROWS}"
    )


def _onnxruntime(connection, task: Task, model_id: str) -> float:
    features = examples(task, feature_table(connection, task), vocabularies(connection)).features
    features = np.resize(features, (ROWS, features.shape[1])).astype(np.float32)
    np.random.default_rng(0).shuffle(features)
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
