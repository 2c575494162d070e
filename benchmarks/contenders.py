"""The contenders of `python -m benchmarks speed`: functions of this project, and alternatives.

Each contender reads a table of a key and `features`, the encoded inputs as a list, and writes a
table of key and score. The function of the task also encodes, so it reads the rows of the entity.
The model is the champion of its task.
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

VECTOR = 2048  # the largest number of rows that DuckDB passes to a function at once
REQUEST = 1_000  # rows in an HTTP request
ROW_WISE = "bench_row_wise"
ARGUMENTS = """
    select arg_max(parameters, len(parameters))
    from duckdb_functions()
    where function_name = ? and database_name = current_database()
"""
FUNCTION = "function"


def fill(connection: duckdb.DuckDBPyConnection, task: Task, rows: int) -> None:
    """Create the temporary tables `entities` and `inputs` (key, features), and `one` with one row.

    If there are fewer rows that can be scored, they are repeated. They are shuffled, because with
    equal rows side by side the processor would predict the branches of a tree too well.

    Args:
        connection: of a finished warehouse.
        task: the task to score.
        rows: number of rows of `entities` and `inputs`.
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
    """A model and its connections: one to tables of many rows, one to few for slow contenders."""

    def __init__(
        self,
        many: duckdb.DuckDBPyConnection,
        few: duckdb.DuckDBPyConnection,
        task: Task,
        model_id: str,
    ):
        """Load the model.

        Args:
            many: a connection on the ONNX Runtime backend, prepared by `fill`.
            few: a connection on the SQL backend, prepared by `fill`.
            task: the task.
            model_id: the champion of the task.
        """
        self.many, self.few, self.task, self._key = many, few, task.name, task.key
        query = "select onnx from ml.model_artifacts where model_id = ?"
        ((content,),) = few.execute(query, [model_id]).fetchall()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._width = self._session.get_inputs()[0].shape[1]
        self._call = f"onnx_predict('{model_id}', t.features)[-1]"
        ((names,),) = few.execute(ARGUMENTS, [f"predict_{task.name}"]).fetchall()
        self.by_columns = f"predict_{task.name}({', '.join(names)})"
        self.by_row = f"predict_{task.name}(t)"
        self.explanation = f"explain_{task.name}({', '.join(names)})"
        lists = many.sql("select cast(features as float[]) as x from inputs").to_arrow_table()["x"]
        self._matrix = pc.list_flatten(lists).to_numpy().reshape(-1, self._width)

    def function(self) -> None:
        """The function of the task on the ONNX Runtime backend; it also encodes the inputs."""
        self._score(self.many, self.by_columns, "entities")

    def function_by_row(self) -> None:
        """The same for a row of the table."""
        self._score(self.many, self.by_row, "entities")

    def function_in_sql(self) -> None:
        """The function of the task on the SQL backend."""
        self._score(self.few, self.by_columns, "entities")

    def onnx_predict(self) -> None:
        """onnx_predict on the ONNX Runtime backend, of inputs that are encoded already."""
        self._score(self.many, self._call, "inputs")

    def onnxruntime_alone(self) -> None:
        """The graph alone, on a float32 matrix, VECTOR rows at a time, without reading a table."""
        for start in range(0, len(self._matrix), VECTOR):
            self._predict(self._matrix[start : start + VECTOR])

    def numpy(self) -> None:
        """Fetch one NumPy array for each input, score all rows at once, write the scores back."""
        inputs = range(self._width)
        columns = ", ".join(f"cast(features[{i + 1}] as float) as x{i}" for i in inputs)
        found = self.many.execute(f"select {self._key}, {columns} from inputs").fetchnumpy()
        matrix = np.column_stack([found[f"x{i}"] for i in inputs])
        self._write(self.many, found[self._key], self._predict(matrix))

    def row_wise(self) -> None:
        """A Python function that SQL calls for each row."""

        def score(features: list[float]) -> float:
            return float(self._predict(np.array([features], dtype=np.float32))[0])

        self.few.create_function(ROW_WISE, score, ["DOUBLE[]"], "DOUBLE", type=func.NATIVE)
        try:
            self._score(self.few, f"{ROW_WISE}(t.features)", "inputs")
        finally:
            self.few.remove_function(ROW_WISE)

    def http(self) -> None:
        """A scorer behind HTTP and JSON, with REQUEST rows in a request; its CPU time counts."""

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
class Contender:
    """A contender of the benchmark.

    Attributes:
        run: writes the scores of a subject.
        on_few: whether it scores few rows, because it is slow.
        at_least_trees: for tree ensembles, the smallest ratio of its time to that of the function
            that is acceptable; None for any.
        at_least: the same for other models.
    """

    run: Callable[[Subject], None]
    on_few: bool = False
    at_least_trees: float | None = None
    at_least: float | None = None


CONTENDERS = {
    FUNCTION: Contender(Subject.function),
    "function, by row": Contender(Subject.function_by_row),
    "function, SQL backend": Contender(Subject.function_in_sql, on_few=True),
    "onnx_predict": Contender(Subject.onnx_predict),
    "onnxruntime alone": Contender(Subject.onnxruntime_alone, at_least_trees=0.7),
    "NumPy and back": Contender(Subject.numpy, at_least_trees=1, at_least=1),
    "row-wise Python": Contender(Subject.row_wise, on_few=True, at_least_trees=2, at_least=20),
    "HTTP and JSON": Contender(Subject.http, on_few=True),
}
