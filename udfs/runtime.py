"""The runtime lane: `onnx_predict` in onnxruntime, over whole vectors, for a DuckDB connection.

A Python function is registered once for a database instance; a TEMP macro of the name
`onnx_predict` then shadows the persisted one for each connection that asks for it, so every
function, view and query of the database runs through it, unchanged.
"""

import threading
import weakref
from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.sessions import Model, ModelError, Sessions, Stored

FUNCTION = "onnx_predict_runtime"
# Features beyond it count as not finite: float32 might overflow on the way to the scores where the
# float64 of the portable lane does not, and the lanes would answer differently.
LARGEST = 1e15
SCORES = pa.list_(pa.float64())
SHADOW = (
    "create or replace temp macro onnx_predict(model_id, features) as "
    f"{FUNCTION}(cast(model_id as varchar), cast(features as double[]))"
)

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
    """Read the served models ahead, before a query asks for them.

    To read while a query waits is a second transaction beside it, for which a FORCE CHECKPOINT of
    another thread would make both wait for ever.
    """
    for database in _databases_with(connection, "table", "served_models"):
        served = connection.execute(
            f'select model_id from "{database}".ml.served_models'
        ).fetchall()
        for (model_id,) in served:
            if model_id not in _sessions:
                for stored in _artifact(connection, database, model_id):
                    _sessions.put(model_id, stored)


def _fetch(model_id: str) -> Iterator[Stored]:
    """Read a model from each open database that has it.

    The query that asks runs on some connection of this process; Python is not told on which, and a
    model_id means the same in every registry, so all live connections are searched.
    """
    failure = None
    with _lock:
        connections = list(_connections)
    for connection in connections:
        try:
            with _detached(connection) as cursor:
                for database in _databases_with(cursor, "view", "model_artifacts"):
                    yield from _artifact(cursor, database, model_id)
        except duckdb.ConnectionException:  # its owner closed it
            continue
        except duckdb.Error as error:
            failure = error
    if failure:
        raise ModelError(f"onnx_predict: a registry cannot be read: {failure}") from failure


def _detached(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A cursor that `connection.close()` leaves alone.

    A connection closes its own cursors with it, and DuckDB refuses that while one of them is busy:
    the error would be for the owner, in another thread. A cursor of a cursor that is gone has no
    owner.
    """
    return connection.cursor().cursor()


def _databases_with(connection: duckdb.DuckDBPyConnection, kind: str, name: str) -> list[str]:
    query = (
        f"select database_name from duckdb_{kind}s() where schema_name = 'ml' and {kind}_name = ?"
    )
    return [database for (database,) in connection.execute(query, [name]).fetchall()]


def _artifact(connection, database: str, model_id: str) -> list[Stored]:
    query = f'select onnx, sha256 from "{database}".ml.model_artifacts where model_id = ?'
    return [Stored(*row) for row in connection.execute(query, [model_id]).fetchall()]


_sessions = Sessions(_fetch)


def set_cache_size(size: int) -> None:
    """Keep models whose graphs are of `size` bytes together in this process, 512 MiB without it.

    The least recently used go first, and are read again when a query asks for them. A single model
    may be larger.
    """
    _sessions.resize(size)


def _onnx_predict(model_ids: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """Score a vector of rows, each by its own model; a row with a bad value gives NULL."""
    ids, lists = _whole(model_ids), _whole(features)
    # Nearly every query asks one model, and this is a fifth of the time of pc.unique.
    if ids.slice(1).equals(ids.slice(0, len(ids) - 1)):
        return _scores(_model(ids[0].as_py()), lists)
    parts, places = [], []
    for model_id in pc.unique(ids).to_pylist():
        model = _model(model_id)
        rows = pc.indices_nonzero(pc.equal(ids, model_id))
        parts.append(_scores(model, lists.take(rows)))
        places.append(rows.to_numpy())
    return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(places))))


def _whole(chunks: pa.ChunkedArray) -> pa.Array:
    return chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()


def _model(model_id: str | None) -> Model:
    if model_id is None:
        raise ModelError(
            "onnx_predict: model_id is NULL: "
            "see select model_id, task, algorithm from ml.model_versions"
        )
    return _sessions.get(model_id)


def _scores(model: Model, lists: pa.ListArray) -> pa.ListArray:
    """NULL where a feature is no number up to LARGEST, and where a score is not finite."""
    matrix = _matrix(model, lists)
    good = _rows_within(matrix, LARGEST)
    if not good.any():
        return pa.nulls(len(lists), SCORES)
    scores = model.predict(matrix if good.all() else matrix[good])
    answered = _rows_within(scores, np.finfo(np.float32).max)
    if not lists.null_count and good.all() and answered.all():
        return _lists(scores)
    good[good] = answered
    is_scored = np.zeros(len(lists), dtype=bool)
    is_scored[np.flatnonzero(lists.is_valid())[good]] = True
    return _lists(scores[answered], is_scored)


def _rows_within(matrix: np.ndarray, bound: float) -> np.ndarray:
    """Whether all numbers of a row are within a bound; nearly always all are: quickly seen."""
    sizes = np.abs(matrix)
    rows = np.ones(len(matrix), dtype=bool)
    if not sizes.max(initial=0) <= bound:  # NaN is the largest
        rows[np.nonzero(~(sizes <= bound))[0]] = False
    return rows


def _lists(scores: np.ndarray, is_scored: np.ndarray | None = None) -> pa.ListArray:
    """Scores (n, m) as a list for each row; where is_scored is given, NULL for the rows without."""
    width = scores.shape[1]
    values = pa.array(scores.ravel().astype(np.float64))
    if is_scored is None:
        return pa.ListArray.from_arrays(np.arange(0, scores.size + 1, width, np.int32), values)
    offsets = np.concatenate([[0], np.cumsum(is_scored * width)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~is_scored))


def _matrix(model: Model, lists: pa.ListArray) -> np.ndarray:
    """The lists that are not NULL as float32 (n, k); what is NULL or too large is not finite."""
    offsets = lists.offsets.to_numpy()
    wrong = offsets[1:] - offsets[:-1] != model.inputs
    if lists.null_count:
        wrong &= lists.is_valid().to_numpy(zero_copy_only=False)
    if wrong.any():
        length = len(lists[int(wrong.argmax())])
        raise ModelError(
            f"onnx_predict: model {model.model_id} takes {model.inputs} features, "
            f"got {length}: see select inputs from ml.model_versions"
        )
    values = lists.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    with np.errstate(over="ignore"):
        return values.astype(np.float32).reshape(-1, model.inputs)
