"""Ways to score rows with a model: those of this project, and what people do without it.

All begin with a table of a key and `features`, the encoded inputs as a list, and end with a table
of key and score. The function of the task also encodes: it begins with the rows of the entity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import func

from benchmarks.scorer import served
from models_py.tasks import Task

VECTOR = 2048  # rows at most that DuckDB gives a function at a time
REQUEST = 1_000
ROW_WISE = "bench_row_wise"


def fill(connection: duckdb.DuckDBPyConnection, task: Task, rows: int) -> None:
    """Make temp tables of so many rows: `entities`, `inputs` (key, features), and `one` entity.

    Rows that can be scored, again and again where there are fewer; shuffled, for a processor would
    foresee the branches of a tree for equal rows side by side.
    """
    queries = {
        "entities": f"from {task.entity} semi join features.feat_{task.name} using ({task.key}) "
        f"order by hash({task.key})",
        "inputs": f"select {task.key}, encode_{task.name}(t) as features from entities as t",
    }
    for name, query in queries.items():
        connection.execute(f"create or replace temp table once as {query} limit {rows}")
        ((count,),) = connection.execute("select count(*) from once").fetchall()
        connection.execute(f"create or replace temp table {name} as from once limit 0")
        for start in range(0, rows, count):
            connection.execute(f"insert into {name} from once limit {rows - start}")
    connection.execute("create or replace temp table one as from entities limit 1")


class Subject:
    """A model and the tables that it is measured on: many rows, and a few for what is slow."""

    def __init__(
        self,
        many: duckdb.DuckDBPyConnection,
        few: duckdb.DuckDBPyConnection,
        task: Task,
        algorithm: str,
        model_id: str,
    ):
        """Take a connection in the runtime lane, and one in the portable lane, both filled."""
        self.many, self.few, self._key = many, few, task.key
        query = "select onnx from ml.model_artifacts where model_id = ?"
        ((content,),) = few.execute(query, [model_id]).fetchall()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._width = self._session.get_inputs()[0].shape[1]
        self._call = f"onnx_predict('{model_id}', t.features)[-1]"
        self.typed_call = f"predict_{task.name}_by('{algorithm}', t)"
        lists = many.sql("select cast(features as float[]) as x from inputs").to_arrow_table()["x"]
        self._matrix = pc.list_flatten(lists).to_numpy().reshape(-1, self._width)

    def onnx_predict(self) -> None:
        """The SQL function in the runtime lane."""
        self._score(self.many, self._call, "inputs")

    def typed_function(self) -> None:
        """The function of the task in the runtime lane, which encodes the inputs as well."""
        self._score(self.many, self.typed_call, "entities")

    def portable_lane(self) -> None:
        """The SQL function in pure SQL."""
        self._score(self.few, self._call, "inputs")

    def onnxruntime_alone(self) -> None:
        """The graph over a float32 matrix, in slices as long as DuckDB's vectors; no table."""
        for start in range(0, len(self._matrix), VECTOR):
            self._predict(self._matrix[start : start + VECTOR])

    def numpy(self) -> None:
        """Fetch to NumPy, an array for each input; score all in one go; write back."""
        places = range(self._width)
        columns = ", ".join(f"cast(features[{i + 1}] as float) as x{i}" for i in places)
        found = self.many.execute(f"select {self._key}, {columns} from inputs").fetchnumpy()
        matrix = np.column_stack([found[f"x{i}"] for i in places])
        self._write(self.many, found[self._key], self._predict(matrix))

    def row_wise(self) -> None:
        """A Python function that scores a row, called by SQL."""

        def score(features: list[float]) -> float:
            return float(self._predict(np.array([features], dtype=np.float32))[0])

        self.few.create_function(ROW_WISE, score, ["DOUBLE[]"], "DOUBLE", type=func.NATIVE)
        try:
            self._score(self.few, f"{ROW_WISE}(t.features)", "inputs")
        finally:
            self.few.remove_function(ROW_WISE)

    def http(self) -> None:
        """A scorer behind HTTP and JSON, REQUEST rows a request; its own CPU time counts too."""

        def score(rows: Sequence[list[float]]) -> list[float]:
            return self._predict(np.array(rows, dtype=np.float32)).tolist()

        keys, features = zip(*self.few.execute("from inputs").fetchall(), strict=True)
        with served(score) as ask:
            scores = [
                ask(features[start : start + REQUEST]) for start in range(0, len(keys), REQUEST)
            ]
        self._write(self.few, keys, np.concatenate(scores))

    def _score(self, connection: duckdb.DuckDBPyConnection, call: str, table: str) -> None:
        connection.execute(
            f"create or replace temp table scores as select {self._key}, {call} as score "
            f"from {table} as t"
        )

    def _write(
        self, connection: duckdb.DuckDBPyConnection, keys: Sequence | np.ndarray, scores: np.ndarray
    ) -> None:
        written = pa.table({self._key: keys, "score": scores})
        connection.register("bench_written", written)
        connection.execute("create or replace temp table scores as from bench_written")
        connection.unregister("bench_written")

    def _predict(self, matrix: np.ndarray) -> np.ndarray:
        return self._session.run(["scores"], {"features": matrix})[0][:, -1]


@dataclass(frozen=True)
class Way:
    """One way, on many rows or few; how many times as long as onnx_predict it shall take."""

    run: Callable[[Subject], None]
    on_few: bool = False
    at_least_trees: float | None = None
    at_least: float | None = None


WAYS = {
    "onnx_predict": Way(Subject.onnx_predict),
    "function of the task": Way(Subject.typed_function),
    "portable lane": Way(Subject.portable_lane, on_few=True),
    "onnxruntime alone": Way(Subject.onnxruntime_alone, at_least_trees=0.85),
    "NumPy and back": Way(Subject.numpy, at_least_trees=1, at_least=1),
    "row-wise Python": Way(Subject.row_wise, on_few=True, at_least_trees=2, at_least=20),
    "HTTP and JSON": Way(Subject.http, on_few=True),
}
