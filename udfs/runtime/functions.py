"""Register the ONNX Runtime backend: Python functions that replace those of the SQL backend.

A Python function is registered once for each database instance. On each connection that asks for
it, a TEMP macro shadows the persisted macro of the same name, so that every function, view and
query of the database uses it without a change.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from duckdb import func

from udfs.errors import ModelError, says_no_model
from udfs.identifiers import quoted
from udfs.runtime import explanations, optimizations, songs
from udfs.runtime.plans import Plan
from udfs.runtime.scores import onnx_predict, onnx_predict_members
from udfs.runtime.sessions import Model, Sessions, Stored

_connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
_lock = threading.Lock()
Found = TypeVar("Found")


@dataclass(frozen=True)
class Function:
    """A function of the ONNX Runtime backend that replaces a persisted macro.

    Attributes:
        name: the name of the persisted macro.
        arguments: SQL types by argument name.
        returns: the SQL type of the answer.
        defaults: SQL values of arguments that may be left out.
        kinds: further macros, which answer the same for one kind of model.
        forms: functions for further forms of these macros, with other arguments.
        compute: takes a vector for each argument, and returns the vector of answers.
    """

    name: str
    arguments: Mapping[str, str]
    returns: str
    compute: Callable[..., pa.Array]
    defaults: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    forms: tuple["Function", ...] = ()

    @property
    def runtime_name(self) -> str:
        """The SQL name of the Python function."""
        return f"{self.name}_runtime"

    @property
    def call(self) -> str:
        """A call of the Python function without values."""
        nulls = ", ".join(f"cast(null as {type})" for type in self.arguments.values())
        return f"{self.runtime_name}({nulls})"

    @property
    def form(self) -> str:
        """The parameters and the body of a macro that calls the Python function."""
        casts = ", ".join(f"cast({name} as {type})" for name, type in self.arguments.items())
        names = [
            f"{name} := {self.defaults[name]}" if name in self.defaults else name
            for name in self.arguments
        ]
        return f"({', '.join(names)}) as {self.runtime_name}({casts})"

    @property
    def shadows(self) -> list[str]:
        """The statements that shadow the persisted macros with the Python function."""
        forms = ", ".join(one.form for one in (self, *self.forms))
        return [
            f"create or replace temp macro {macro}{forms}" for macro in (self.name, *self.kinds)
        ]


def register(connection: duckdb.DuckDBPyConnection, preload: bool = False) -> None:
    """Run the SQL functions of the database in onnxruntime on this connection.

    Registering twice is harmless, and a read-only connection is enough. A cursor is a separate
    connection and needs its own call. This call reads the bytes of the served models; any other
    model is read when the process first uses it.

    Args:
        connection: to the database.
        preload: load the served models into onnxruntime now, which takes a second, and not when a
            query first needs them.

    Raises:
        ModelError: an earlier call on this connection was rolled back.
    """
    with _lock:
        _connections.add(connection)
        if not _has_all(connection):
            known = _known(connection)
            for function in _every_function():
                if function.runtime_name not in known:
                    _create(connection, function)
    served = _read_served(connection)
    if preload:
        _load(served)
    for function in FUNCTIONS:
        for shadow in function.shadows:
            connection.execute(shadow)


def _every_function() -> list[Function]:
    return [form for function in FUNCTIONS for form in (function, *function.forms)]


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
        # DuckDB's catalog lost the function, but its Python connection still lists it.
        raise ModelError(
            "a rollback undid an earlier udfs.register of this connection: open a new connection, "
            "and call udfs.register outside of a transaction"
        ) from error


def _has_all(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the instance has all Python functions. It is faster than `_known`."""
    calls = ", ".join(function.call for function in _every_function())
    with connection.cursor() as other:  # an error would end a transaction of the caller
        try:
            # It binds the functions and calls none.
            other.execute(f"describe select {calls}").fetchall()
        except duckdb.CatalogException:
            return False
    return True


def _known(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return which Python functions the instance has."""
    query = "select function_name from duckdb_functions() where list_contains(?, function_name)"
    names = [function.runtime_name for function in _every_function()]
    return {name for (name,) in connection.execute(query, [names]).fetchall()}


def _read_served(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Read the served models before a query asks for them, and return their ids.

    Reading a model during a query opens a second transaction. If another thread runs FORCE
    CHECKPOINT at that moment, the query and the checkpoint wait for each other forever.
    """
    found: list[str] = []
    for database in _databases_with(connection, "ml", "served_models", "model_id"):
        served = connection.execute(f"select model_id from {database}.ml.served_models").fetchall()
        for (model_id,) in served:
            found.append(model_id)
            if model_id not in _sessions:
                for stored in _artifact(connection, database, model_id):
                    _sessions.put(model_id, stored)
    return found


def _load(model_ids: list[str]) -> None:
    for model_id in model_ids:
        with suppress(ModelError):  # the query that needs this model tells what is wrong with it
            _sessions.get(model_id)


def _fetch(model_id: str) -> Iterator[Stored]:
    """Read a model from each open database that has it.

    A model_id means the same in every registry.
    """
    return _read_everywhere(
        "ml",
        "model_artifacts",
        "onnx",
        lambda cursor, database: _artifact(cursor, database, model_id),
    )


def _read_everywhere(
    schema: str,
    relation: str,
    column: str,
    read: Callable[[duckdb.DuckDBPyConnection, str], list[Found]],
) -> Iterator[Found]:
    """Yield what each open database with this column has.

    Python is not told which connection runs the query, so all open connections are searched. A
    database that cannot be read does not keep the caller from the next one.

    Raises:
        ModelError: at the end, if one could not be read.
    """
    failure = None
    for cursor in _open():
        try:
            for database in _databases_with(cursor, schema, relation, column):
                yield from read(cursor, database)
        except duckdb.ConnectionException:  # its owner closes it
            continue
        except duckdb.Error as error:
            failure = error
    if failure:
        raise ModelError(f"a registry cannot be read: {failure}") from failure


def _open() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a cursor of each registered connection that is open."""
    with _lock:
        connections = list(_connections)
    for connection in connections:
        try:
            cursor = _detached(connection)
        except duckdb.ConnectionException:  # its owner closed it
            continue
        with cursor:
            yield cursor


def _detached(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a cursor that `connection.close()` does not close.

    A connection closes its cursors when it is closed, and DuckDB raises an error in the caller's
    thread if one is busy. The cursor of a deleted cursor belongs to no connection.
    """
    return connection.cursor().cursor()


def _databases_with(
    connection: duckdb.DuckDBPyConnection, schema: str, relation: str, column: str
) -> list[str]:
    """Return the open databases that have this column, as SQL writes their names."""
    query = (
        "select database_name from duckdb_columns() "
        "where schema_name = ? and table_name = ? and column_name = ?"
    )
    found = connection.execute(query, [schema, relation, column]).fetchall()
    return [quoted(name) for (name,) in found]


def _artifact(connection: duckdb.DuckDBPyConnection, database: str, model_id: str) -> list[Stored]:
    query = f"select onnx, sha256 from {database}.ml.model_artifacts where model_id = ?"
    return [Stored(*row) for row in connection.execute(query, [model_id]).fetchall()]


_sessions = Sessions(_fetch)


def set_cache_size(size: int) -> None:
    """Limit the model cache of this process to `size` bytes of graphs; the default is 512 MiB.

    The least recently used models are dropped first, and read again when a query asks for them. A
    single model may be larger than the limit.
    """
    _sessions.resize(size)


def _model(model_id: str | None) -> Model:
    if model_id is None:
        raise ModelError(
            "onnx_predict: model_id is NULL: "
            "see select model_id, task, algorithm from ml.model_versions"
        )
    return _sessions.get(model_id)


# The order of the fields of udfs.runtime.plans.Plan.
PLAN = """
    select
        terms,
        list_transform(mixes, lambda mix: mix.background),
        list_transform(mixes, lambda mix: mix.is_own),
        weights
    from {}.ml.explanation_plans
    where plan_id = ?
"""


def _stored_plan(connection: duckdb.DuckDBPyConnection, database: str, plan_id: str) -> list[tuple]:
    return connection.execute(PLAN.format(database), [plan_id]).fetchall()


@lru_cache(maxsize=64)
def _plan(plan_id: str) -> Plan:
    """Read a plan from an open database that has it. A plan_id is a hash of all of its plan."""
    stored = _read_everywhere(
        "ml",
        "explanation_plans",
        "plan_id",
        lambda cursor, database: _stored_plan(cursor, database, plan_id),
    )
    for terms, *rest in stored:
        backgrounds, is_own, weights = map(np.array, rest)
        return Plan(terms, backgrounds, is_own, weights.T)
    what = plan_id if says_no_model(plan_id) else f"no open file has the plan {plan_id}"
    raise ModelError(
        f"onnx_explain: {what}: run `hitparade build`, or give the task of the model, one of "
        "select task from ml.explanation_plans; a registered model needs examples"
    )


FUNCTIONS = (
    Function(
        "onnx_predict",
        {"model_id": "varchar", "features": "double[]"},
        "double[]",
        partial(onnx_predict, _model),
        kinds=(
            *("onnx_predict_net", "onnx_predict_trees_3", "onnx_predict_trees_6"),
            "onnx_predict_steps",
        ),
        forms=(
            Function(
                "onnx_predict_members",
                {
                    "model_id": "varchar",
                    "numbers": "double[]",
                    "members": "varchar[]",
                    "known": "varchar",
                },
                "double[]",
                partial(onnx_predict_members, _model),
            ),
        ),
    ),
    Function(
        "onnx_explain_plan",
        {
            "plan": "varchar",
            "model_id": "varchar",
            "features": "double[]",
            "output": "bigint",
        },
        "struct(rank integer, feature varchar, contribution double)[]",
        partial(explanations.onnx_explain, _model, _plan),
    ),
    Function(
        "onnx_next_songs",
        {
            "model_id": "varchar",
            "track_uris": "varchar[]",
            "title_words": "varchar[]",
            "k": "bigint",
            "exclude": "varchar[]",
            "among": "varchar[]",
            "per_artist": "bigint",
            "allow_other_versions": "boolean",
        },
        "struct(rank integer, track_uri varchar, score double)[]",
        partial(songs.next_songs, _model),
        defaults={
            "exclude": "null",
            "among": "['*']",
            "per_artist": "null",
            "allow_other_versions": "false",
        },
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
