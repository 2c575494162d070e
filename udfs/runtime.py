"""The runtime lane: `onnx_predict` in onnxruntime, over whole vectors, for a DuckDB connection.

A Python function is registered once for a database instance; a TEMP macro of the name
`onnx_predict` then shadows the persisted one for each connection that asks for it, so every
function, view and query of the database runs through it, unchanged.
"""

import threading
import time
import weakref

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.sessions import Model, ModelError, Sessions

FUNCTION = "onnx_predict_runtime"
SHADOW = (
    "create or replace temp macro onnx_predict(model_id, features) as "
    f"{FUNCTION}(cast(model_id as varchar), cast(features as double[]))"
)

# Seconds between attempts to read a registry whose connections are busy.
PAUSES = (0.01, 0.05, 0.2, 0.5)

# (bytes, sha256) by model_id of served models that no query has used yet.
_ahead: dict[str, tuple[bytes, str]] = {}
_connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
_lock = threading.Lock()


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the SQL functions of the database run in onnxruntime on this connection.

    Registering twice is harmless; a read-only connection will do. A cursor of the connection is a
    connection of its own and wants its own call. The bytes of the served models are read here,
    those of any other model when it is first used in a process.

    Raises:
        ModelError: an earlier call on this connection was rolled back.
    """
    with _lock:
        _connections.add(connection)
        if not _is_registered(connection):
            _create_function(connection)
        _read_served(connection)
    connection.execute(SHADOW)


def _create_function(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.create_function(
            FUNCTION,
            _onnx_predict,
            ["VARCHAR", "DOUBLE[]"],
            "DOUBLE[]",
            type="arrow",
            null_handling="special",
        )
    except duckdb.NotImplementedException as error:
        # DuckDB's catalog forgot the function, its Python connection did not: no way back.
        raise ModelError(
            "a rollback took back an earlier udfs.register of this connection: open a new "
            "connection, and register it outside of a transaction"
        ) from error


def _is_registered(connection: duckdb.DuckDBPyConnection) -> bool:
    query = "select count(*) from duckdb_functions() where function_name = ?"
    return connection.execute(query, [FUNCTION]).fetchall()[0][0] > 0


def _read_served(connection: duckdb.DuckDBPyConnection) -> None:
    """Read the served models ahead, in the caller's own thread.

    While a query runs, the connections of other threads are theirs: DuckDB refuses a call on one
    that is busy, and it is the innocent thread that may get the error.
    """
    for database in _databases_with(connection, "table", "served_models"):
        served = connection.execute(
            f'select model_id from "{database}".ml.served_models'
        ).fetchall()
        for (model_id,) in served:
            if model_id in _sessions or model_id in _ahead:
                continue
            if found := _artifact(connection, database, model_id):
                _ahead[model_id] = found


def _fetch(model_id: str) -> tuple[bytes, str] | None:
    """Read (bytes, sha256) of a model: read ahead, or from whichever open database has it.

    The query that asks runs on some connection of this process; Python is not told on which, and a
    model_id means the same in every registry, so all live connections are searched. One that its
    own thread uses or closes at this moment cannot be read: it is asked again a little later.
    """
    if model_id in _ahead:
        return _ahead.pop(model_id)
    for pause in PAUSES:
        busy = None
        for connection in list(_connections):
            try:
                if found := _read(connection, model_id):
                    return found
            except duckdb.Error as error:
                busy = error
        if busy is None:
            return None
        time.sleep(pause)
    raise ModelError(f"onnx_predict: the registry cannot be read: {busy}")


def _read(connection: duckdb.DuckDBPyConnection, model_id: str) -> tuple[bytes, str] | None:
    try:
        cursor = connection.cursor()
    except duckdb.ConnectionException:  # closed, but not yet collected
        _connections.discard(connection)
        return None
    with cursor:
        for database in _databases_with(cursor, "view", "model_artifacts"):
            if found := _artifact(cursor, database, model_id):
                return found
    return None


def _databases_with(connection: duckdb.DuckDBPyConnection, kind: str, name: str) -> list[str]:
    query = (
        f"select database_name from duckdb_{kind}s() where schema_name = 'ml' and {kind}_name = ?"
    )
    return [database for (database,) in connection.execute(query, [name]).fetchall()]


def _artifact(connection, database: str, model_id: str) -> tuple[bytes, str] | None:
    query = f'select onnx, sha256 from "{database}".ml.model_artifacts where model_id = ?'
    found = connection.execute(query, [model_id]).fetchall()
    return found[0] if found else None


_sessions = Sessions(_fetch)


def _onnx_predict(model_ids: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """Score a vector of rows, each by its own model; a row with a bad value gives NULL."""
    ids, lists = model_ids.combine_chunks(), features.combine_chunks()
    distinct = pc.unique(ids)
    if len(distinct) == 1:
        return _scores(_model(distinct[0].as_py()), lists)
    parts, places = [], []
    for model_id in distinct.to_pylist():
        rows = pc.indices_nonzero(pc.equal(ids, model_id)) if model_id else None
        parts.append(_scores(_model(model_id), lists.take(rows)))
        places.append(rows.to_numpy())
    return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(places))))


def _model(model_id: str | None) -> Model:
    if model_id is None:
        raise ModelError(
            "onnx_predict: model_id is NULL: "
            "see select model_id, task, algorithm from ml.model_versions"
        )
    return _sessions.get(model_id)


def _scores(model: Model, lists: pa.ListArray) -> pa.ListArray:
    matrix = _matrix(model, lists)
    good = np.isfinite(matrix).all(axis=1)
    scores = model.predict(matrix[good])
    is_scored = np.zeros(len(lists), dtype=bool)
    is_scored[np.flatnonzero(lists.is_valid())[good]] = True
    offsets = np.concatenate([[0], np.cumsum(is_scored * scores.shape[1])]).astype(np.int32)
    values = pa.array(scores.ravel().astype(np.float64))
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~is_scored))


def _matrix(model: Model, lists: pa.ListArray) -> np.ndarray:
    """The lists that are not NULL as float32 (n, k); what is NULL or too large is not finite."""
    for length in pc.unique(pc.list_value_length(lists)).to_pylist():
        if length not in (None, model.inputs):
            raise ModelError(
                f"onnx_predict: model {model.model_id} takes {model.inputs} features, "
                f"got {length}: see select inputs from ml.model_versions"
            )
    values = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        return values.astype(np.float32).reshape(-1, model.inputs)
