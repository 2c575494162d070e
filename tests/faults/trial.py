"""Register bytes as a model and return the outcome; runs in a separate process."""

import resource
import shutil
import traceback
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import numpy as np

import udfs
from models_py import export, sql_backend
from udfs.registry import register, sandbox
from udfs.registry.validation import Graph, Refusal

# A graph that takes longer is refused, as in `udfs.registry.sandbox`.
SECONDS = 20
# Sent once the graph was checked: if this process ends later, that is a fault.
CHECKED = "checked"
# Rows that the registration did not try.
TOLERANCE = 1e-4


def send(answer: Connection, content: bytes, empty: Path, own: Path) -> None:
    """Send CHECKED, then the outcome of a trial on a copy of an empty registry."""
    resource.setrlimit(resource.RLIMIT_AS, (sandbox.MEMORY, sandbox.MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    warnings.simplefilter("ignore")  # a model that runs only on the ONNX Runtime backend
    shutil.copyfile(empty, own)
    try:
        with duckdb.connect(own) as connection:
            checked = _checked(content)
            answer.send(CHECKED)
            answer.send(outcome(connection, content, checked))
    except Exception:
        answer.send(f"failed: {traceback.format_exc()}")


def outcome(
    connection: duckdb.DuckDBPyConnection, content: bytes, checked: Graph | udfs.ModelError
) -> str:
    """Return why a graph is refused, or which backends give the answers of onnxruntime."""
    translated = _translation(content)

    # This process is already a sandbox: another one for each trial would take a second.
    def validated_here(*_) -> Graph:
        if isinstance(checked, udfs.ModelError):
            raise checked
        return checked

    register.validated_in_sandbox = validated_here
    names = [f"x{i}" for i in range(getattr(checked, "inputs", 1))]
    try:
        model_id = udfs.register_model(connection, content, task="own", inputs=names)
    except udfs.ModelError as error:
        assert len(str(error)) > 20, error
        return f"refused, {translated}"
    return f"stored: {_backends(connection, model_id)}"


def _checked(content: bytes) -> Graph | udfs.ModelError:
    try:
        return sandbox.checked(content)
    except Refusal as refusal:
        return udfs.ModelError(f"the model was not stored: {refusal}")


def _translation(content: bytes) -> str:
    try:
        return "a form in SQL" if sql_backend.translate(content) else "no form in SQL"
    except sql_backend.TranslationError as error:
        assert "malformed" in str(error)
        return "malformed"


def _backends(connection: duckdb.DuckDBPyConnection, model_id: str) -> str:
    """Return which backends run a stored model; assert that they agree with onnxruntime."""
    stored = "select onnx, len(inputs) from ml.registered_models where model_id = ?"
    ((onnx, width),) = connection.execute(stored, [model_id]).fetchall()
    rows = np.random.default_rng(1).normal(0, 3, (50, width)).astype(np.float32)
    session = export.session(onnx)
    expected = session.run(["scores"], {"features": rows})[0]
    query = "select onnx_predict(?, features) from (select unnest(?) as features)"
    try:
        found = connection.execute(query, [model_id, rows.tolist()]).fetchall()
        assert _agree(found, expected, TOLERANCE), "the SQL backend"
        backends = "both backends answer"
    except duckdb.Error as error:
        assert "has no SQL form" in str(error), error
        backends = "the ONNX Runtime backend answers"
    udfs.register(connection)
    found = connection.execute(query, [model_id, rows.tolist()]).fetchall()
    assert _agree(found, expected, 0), "the ONNX Runtime backend"
    return backends


def _agree(found: list[tuple], expected: np.ndarray, tolerance: float) -> bool:
    """Return whether the answers are the expected ones; assert NULL if those are not finite."""
    is_finite = np.isfinite(expected).all(axis=1)
    assert [scores is not None for (scores,) in found] == is_finite.tolist(), "NULL"
    if not is_finite.any():
        return True
    answers = np.array([scores for (scores,) in found if scores is not None])
    expected = expected[is_finite].astype(float)
    size = np.maximum(np.abs(expected), max(1, np.abs(expected).mean()))
    return bool((np.abs(answers - expected) <= tolerance * size).all())
