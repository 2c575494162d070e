"""Every candidate on every row of the sample: source model = ONNX = both backends."""

import json

import duckdb
import numpy as np
import pytest

import udfs
from models_py import algorithms, export
from models_py.agreement import difference
from models_py.examples import HOLDOUT, examples
from models_py.tasks import TASKS

CANDIDATES = [(task, algorithm) for task in TASKS.values() for algorithm in task.algorithms]
BY_CANDIDATE = pytest.mark.parametrize(
    ("task", "algorithm"), CANDIDATES, ids=lambda value: getattr(value, "name", value)
)
# float32 has 7 digits; the SQL backend adds up in another order than onnxruntime.
SQL_TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def backends(warehouse):
    sql_backend = duckdb.connect(warehouse.database, read_only=True)
    onnx_runtime = duckdb.connect(warehouse.database, read_only=True)
    for connection in (sql_backend, onnx_runtime):
        _keep_features(connection)
    udfs.register(onnx_runtime)
    yield {"sql_backend": sql_backend, "onnx_runtime": onnx_runtime}
    sql_backend.close()
    onnx_runtime.close()


def _keep_features(connection) -> None:
    """A temp table for each task: the features of every row without a missing input."""
    for task in TASKS.values():
        connection.execute(
            f"create temp table {task.name}_rows as select * from "
            f"(select t.*, encode_{task.name}(t) as features from {task.entity} t) "
            "where len(list_filter(features, lambda v: v is not null)) = len(features)"
        )


@BY_CANDIDATE
def test_source_model_onnx_and_sql_agree(backends, task, algorithm):
    stored = _stored(backends["sql_backend"], task, algorithm)
    source = _retrained(backends["sql_backend"], task, algorithm, stored)
    features = _features(backends["sql_backend"], task)
    expected = export.run(stored["onnx"], features)

    assert len(features) > 900
    assert _difference(export.predict(source, features), expected) <= export.TOLERANCE
    for backend, tolerance in (("onnx_runtime", 0), ("sql_backend", SQL_TOLERANCE)):
        answers = _answers(backends[backend], task, stored["model_id"])
        assert _difference(answers, expected) <= tolerance, backend


@BY_CANDIDATE
def test_functions_by_algorithm_equal_onnx_predict(backends, task, algorithm):
    for connection in backends.values():
        model_id = _stored(connection, task, algorithm)["model_id"]
        rows = connection.execute(
            f"select predict_{task.name}_by('{algorithm}', t), "
            f"onnx_predict('{model_id}', features) from {task.name}_rows t"
        ).fetchall()
        scores = np.array([row[1] for row in rows])
        if task.kind == "multiclass":
            expected = np.array(task.outputs)[scores.argmax(axis=1)]
        else:
            expected = scores[:, -1]
        np.testing.assert_array_equal(np.array([row[0] for row in rows]), expected)


def _stored(connection, task, algorithm) -> dict:
    names = ("model_id", "onnx", "config")
    return dict(
        zip(
            names,
            connection.execute(
                "select model_id, onnx, config from ml.registry where task = ? and algorithm = ? "
                "order by version desc limit 1",
                [task.name, algorithm],
            ).fetchall()[0],
            strict=True,
        )
    )


def _retrained(connection, task, algorithm, stored):
    """Train the source model again from features and config; assert that its graph is equal."""
    rows = connection.sql(f"from features.feat_{task.name}").to_arrow_table()
    genres = [genre for (genre,) in connection.sql("from staging.genres order by all").fetchall()]
    seen, _ = examples(task, rows, {"genres": genres}).split(HOLDOUT)
    estimator = algorithms.estimator(task.kind, algorithm, json.loads(stored["config"]))
    estimator.fit(seen.features, seen.label)
    assert export.to_onnx(estimator, len(seen.names)) == stored["onnx"]
    return estimator


def _features(connection, task) -> np.ndarray:
    rows = connection.execute(f"select features from {task.name}_rows").fetchall()
    return np.array([row[0] for row in rows]).astype(np.float32).astype(float)


def _answers(connection, task, model_id) -> np.ndarray:
    query = f"select onnx_predict('{model_id}', features) from {task.name}_rows"
    return np.array([row[0] for row in connection.execute(query).fetchall()])


def _difference(left, right) -> float:
    assert left.shape == right.shape
    return float(difference(left, right).max())
