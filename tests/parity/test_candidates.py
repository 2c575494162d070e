"""Every candidate, on every row of the sample: source model = ONNX = runtime = portable lane."""

import json

import duckdb
import numpy as np
import pytest

import udfs
from hitparade.training_run import TASKS
from models_py import export, training

# Tasks, their candidates, and the table whose every row they score.
CANDIDATES = [
    (task.name, algorithm, task.entity) for task in TASKS.values() for algorithm in task.algorithms
]
# float32 carries 7 digits; the portable lane adds up in another order than onnxruntime does.
SQL_TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def lanes(warehouse):
    portable = duckdb.connect(warehouse.database, read_only=True)
    runtime = duckdb.connect(warehouse.database, read_only=True)
    udfs.register(runtime)
    yield {"portable": portable, "runtime": runtime}
    portable.close()
    runtime.close()


@pytest.mark.parametrize(("task", "algorithm", "table"), CANDIDATES)
def test_source_model_onnx_and_sql_agree(lanes, task, algorithm, table):
    task = TASKS[task]
    stored = _stored(lanes["portable"], task, algorithm)
    source = _retrained(lanes["portable"], task, algorithm, stored)
    features = _features(lanes["portable"], task, table)
    expected = export.run(stored["onnx"], features)

    assert len(features) > 900
    assert _difference(export.predict(source, features), expected) <= export.TOLERANCE
    for lane, tolerance in (("runtime", 0), ("portable", SQL_TOLERANCE)):
        answers = _answers(lanes[lane], task, table, stored["model_id"])
        assert _difference(answers, expected) <= tolerance, lane


@pytest.mark.parametrize(("task", "algorithm", "table"), CANDIDATES)
def test_functions_by_algorithm_equal_onnx_predict(lanes, task, algorithm, table):
    score = 1 if TASKS[task].kind == "regression" else 2
    for connection in lanes.values():
        model_id = _stored(connection, TASKS[task], algorithm)["model_id"]
        by_row, by_id = _columns(
            connection,
            f"select predict_{task}_by('{algorithm}', t), "
            f"onnx_predict('{model_id}', {_inputs(TASKS[task])})[{score}] from {table} t",
        )
        np.testing.assert_array_equal(by_row, by_id)


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
    """The source model again, from features and config; its graph must be the one stored."""
    rows = connection.sql(f"from features.feat_{task.name}").to_arrow_table()
    examples, _ = training.examples(task, rows).split(training.HOLDOUT)
    estimator = task.algorithms[algorithm](json.loads(stored["config"]))
    estimator.fit(examples.features, examples.label)
    assert export.to_onnx(estimator, len(task.inputs)) == stored["onnx"]
    return estimator


def _inputs(task) -> str:
    return f"[{', '.join(f't.{name}' for name in task.inputs)}]"


def _features(connection, task, table) -> np.ndarray:
    rows = connection.execute(f"select {_inputs(task)}::double[] from {table} t").fetchall()
    matrix = np.array([row[0] for row in rows], dtype=float)  # NULL becomes NaN
    return matrix[~np.isnan(matrix).any(axis=1)].astype(np.float32).astype(float)


def _answers(connection, task, table, model_id) -> np.ndarray:
    query = f"select onnx_predict('{model_id}', {_inputs(task)}) from {table} t"
    return np.array([row[0] for row in connection.execute(query).fetchall() if row[0] is not None])


def _columns(connection, query) -> list[np.ndarray]:
    return [
        np.array(c, dtype=float) for c in zip(*connection.execute(query).fetchall(), strict=True)
    ]


def _difference(left, right) -> float:
    assert left.shape == right.shape
    return float((np.abs(left - right) / np.maximum(1, np.abs(right))).max())
