"""The runtime lane: the functions that ask a model, in onnxruntime, over whole vectors.

A Python function is registered once for a database instance; a TEMP macro of the name of the
persisted one then shadows it for each connection that asks for it, so every function, view and
query of the database runs through it, unchanged.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import duckdb
import pyarrow as pa
from duckdb import func

from udfs.errors import ModelError
from udfs.runtime import optimizations, songs
from udfs.runtime.scores import onnx_predict
from udfs.runtime.sessions import Model, Sessions, Stored

_connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
_lock = threading.Lock()


@dataclass(frozen=True)
class Function:
    """A function of the runtime lane that takes the place of a persisted one.

    Attributes:
        name: of both.
        arguments: their SQL types by name.
        returns: its SQL type.
        compute: from vectors of the arguments to a vector of answers.
    """

    name: str
    arguments: Mapping[str, str]
    returns: str
    compute: Callable[..., pa.Array]

    @property
    def runtime_name(self) -> str:
        """What the Python function is called in SQL."""
        return f"{self.name}_runtime"

    @property
    def shadow(self) -> str:
        """The statement that puts the Python function in the place of the persisted one."""
        casts = ", ".join(f"cast({name} as {type})" for name, type in self.arguments.items())
        return (
            f"create or replace temp macro {self.name}({', '.join(self.arguments)}) as "
            f"{self.runtime_name}({casts})"
        )


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
        known = _known(connection)
        for function in FUNCTIONS:
            if function.runtime_name not in known:
                _create(connection, function)
    _read_served(connection)
    for function in FUNCTIONS:
        connection.execute(function.shadow)


def _create(connection: duckdb.DuckDBPyConnection, function: Function) -> None:
    try:
        connection.create_function(
            function.runtime_name,
            function.compute,
            list(function.arguments.values()),
            function.returns,
            type=func.ARROW,
            null_handling=func.SPECIAL,
        )
    except duckdb.NotImplementedException as error:
        # DuckDB's catalog forgot the function, its Python connection did not: no way back.
        raise ModelError(
            "a rollback took back an earlier udfs.register of this connection: open a new "
            "connection, and register it outside of a transaction"
        ) from error


def _known(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The Python functions that the database instance has; to list functions is slow, so once."""
    query = "select function_name from duckdb_functions() where list_contains(?, function_name)"
    names = [function.runtime_name for function in FUNCTIONS]
    return {name for (name,) in connection.execute(query, [names]).fetchall()}


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


def _artifact(connection: duckdb.DuckDBPyConnection, database: str, model_id: str) -> list[Stored]:
    query = f'select onnx, sha256 from "{database}".ml.model_artifacts where model_id = ?'
    return [Stored(*row) for row in connection.execute(query, [model_id]).fetchall()]


_sessions = Sessions(_fetch)


def set_cache_size(size: int) -> None:
    """Keep models whose graphs are of `size` bytes together in this process, 512 MiB without it.

    The least recently used go first, and are read again when a query asks for them. A single model
    may be larger.
    """
    _sessions.resize(size)


def _model(model_id: str | None) -> Model:
    if model_id is None:
        raise ModelError(
            "onnx_predict: model_id is NULL: "
            "see select model_id, task, algorithm from ml.model_versions"
        )
    return _sessions.get(model_id)


FUNCTIONS = (
    Function(
        "onnx_predict",
        {"model_id": "varchar", "features": "double[]"},
        "double[]",
        partial(onnx_predict, _model),
    ),
    Function(
        "onnx_next_songs",
        {
            "model_id": "varchar",
            "track_uris": "varchar[]",
            "title_words": "varchar[]",
            "k": "bigint",
        },
        "struct(rank integer, track_uri varchar, score double)[]",
        partial(songs.next_songs, _model),
    ),
    Function(
        "onnx_next_song_score",
        {"model_id": "varchar", "track_uris": "varchar[]", "track_uri": "varchar"},
        "double",
        partial(songs.next_song_score, _model),
    ),
    Function(
        "onnx_track_vector",
        {"model_id": "varchar", "track_uri": "varchar"},
        "float[]",
        partial(songs.track_vector, _model),
    ),
    Function(
        "onnx_optimize_song",
        {
            "model_id": "varchar",
            "judge_model_id": "varchar",
            "song": "double[]",
            "lows": "double[]",
            "highs": "double[]",
            "max_changes": "double[]",
            "max_features": "bigint",
            "penalty": "double",
            "steps": "bigint",
        },
        optimizations.RETURNS,
        partial(optimizations.optimize_song, _model),
    ),
)
