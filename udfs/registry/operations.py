"""Operations on the registry: promote, roll back, pin, unpin, prune, split the traffic.

Each operation is one transaction on the caller's connection. The next query of every session of
the process sees the change. The rules are views of the registry, shared with `dbt run-operation`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from udfs.errors import ModelError
from udfs.identifiers import quoted
from udfs.registry.statements import (
    NOW,
    RECORD_FUNCTION,
    RECORD_PROMOTION,
    RENEW_SERVED_MODELS,
    STALE_FUNCTIONS,
)

# The traffic of a task is split into this many buckets, see ml.assignments.
BUCKETS = 10_000
# Two transactions at the same time would both renew ml.served_models, and one would fail.
_lock = threading.RLock()

# The user's tables may have predictions of any model. Reports (rpt_*) only tell of models.
OWN_TABLES = """
    select columns.schema_name, columns.table_name, columns.column_name
    from duckdb_columns() as columns
    inner join duckdb_tables() as tables using (table_oid, database_oid)
    where
        columns.database_name = current_database()
        and columns.schema_name <> 'ml'
        and not starts_with(columns.table_name, 'rpt_')
        and columns.column_name ilike '%model_id'
        and columns.data_type = 'VARCHAR'
    order by all
"""


def promote(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str, reason: str = "by hand"
) -> None:
    """Make a model the champion of its task, and pin the task so that no build replaces it.

    Raises:
        ModelError: the task has no such model, the model was pruned, its inputs do not fit the
            task's functions, or the registry cannot be written.
    """
    with transaction(connection):
        _refuse_unfit(connection, task, model_id)
        _record(connection, task, model_id, reason, is_pinned=True)


def _refuse_unfit(connection: duckdb.DuckDBPyConnection, task: str, model_id: str) -> None:
    query = "select refusal from ml.promotable_models where task = ? and model_id = ?"
    found = connection.execute(query, [task, model_id]).fetchall()
    if not found:
        _refuse_unknown(connection, task)
        raise ModelError(
            f"task {task} has no model {model_id}: "
            f"see `hitparade models {task}`, or select model_id, task, algorithm from "
            "ml.model_versions"
        )
    if found[0][0]:
        raise ModelError(found[0][0])


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    query = "select distinct task from ml.model_versions order by task asc nulls last"
    tasks = [name for (name,) in connection.execute(query).fetchall()]
    if task not in tasks:
        known = f"those with models are {', '.join(tasks)}" if tasks else "run `hitparade build`"
        raise ModelError(f"there is no task {task}: {known}")


def rollback(connection: duckdb.DuckDBPyConnection, task: str) -> str:
    """Promote the previous champion of a task, pin the task, and return the model_id.

    Raises:
        ModelError: the task has no previous champion, or `promote` refuses it.
    """
    with _lock:
        model_id = _named(connection, "previous_champions", task, "no earlier champion")
        promote(connection, task, model_id, "rolled back")
    return model_id


def pin(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Keep the champion of a task: no build replaces it until the task is unpinned.

    Raises:
        ModelError: the task has no champion.
    """
    with transaction(connection):
        champion = _named(connection, "champions", task, "no champion")
        _record(connection, task, champion, "pinned", is_pinned=True)


def unpin(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Let builds choose the champion of a task by rule again, starting with the next one.

    Raises:
        ModelError: the task has no champion.
    """
    with transaction(connection):
        champion = _named(connection, "champions", task, "no champion")
        _record(connection, task, champion, "unpinned", is_pinned=False)


def prunable(connection: duckdb.DuckDBPyConnection, keep: int) -> list[tuple[str, str, int, int]]:
    """Return (task, algorithm, version, bytes) of each model that `prune` would drop.

    Raises:
        ModelError: keep is less than 1.
    """
    if not isinstance(keep, int) or keep < 1:
        raise ModelError(f"keep must be a whole number of at least 1, got {keep!r}")
    try:
        return [model[:4] for model in _prunable(connection, keep)]
    except duckdb.Error as error:
        raise ModelError(_cause(error)) from error


def _prunable(connection: duckdb.DuckDBPyConnection, keep: int) -> list[tuple]:
    used = _in_own_tables(connection)
    found = connection.execute(
        "select task, algorithm, version, onnx_bytes, model_id, origin from ml.prunable_models "
        "where newer_versions >= ? order by all",
        [keep],
    ).fetchall()
    return [model for model in found if model[4] not in used]


def _in_own_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the models that a table of the user names: those with a column `model_id` of text."""
    used: set[str] = set()
    for schema, table, column in connection.execute(OWN_TABLES).fetchall():
        name = ".".join(map(quoted, (schema, table)))
        query = f"select distinct {quoted(column)} from {name}"
        used.update(model_id for (model_id,) in connection.execute(query).fetchall())
    return used


def prune(connection: duckdb.DuckDBPyConnection, keep: int = 3) -> list[tuple[str, str, int, int]]:
    """Drop the bytes of unused models, and keep their metadata.

    Never dropped are the newest `keep` versions of an algorithm, champions, previous champions,
    models that have a share of the traffic, and models that a table outside of schema `ml` names in
    a column `model_id`, as stored predictions do.

    Returns:
        (task, algorithm, version, bytes) of each pruned model.

    Raises:
        ModelError: keep is less than 1, or the registry cannot be written.
    """
    with transaction(connection):
        pruned = prunable(connection, keep)
        for task, algorithm, version, _, model_id, origin in _prunable(connection, keep):
            table = f"train_{task}" if origin == "trained" else "registered_models"
            connection.execute(
                f"update ml.{table} set onnx = null, portable = null, "
                f"pruned_at = {NOW} "
                "where task = ? and algorithm = ? and version = ? and model_id = ?",
                [task, algorithm, version, model_id],
            )
        renew_served_models(connection)
    return pruned


def assign(connection: duckdb.DuckDBPyConnection, task: str, model_id: str, share: float) -> None:
    """Give a model a share of a task's traffic, see `assigned_model`; the champion has the rest.

    A share of 0 removes the model from the traffic. Keys move only between this model and the
    champion; the keys of other challengers stay where they are. A share is rounded to a multiple of
    1/10,000, one bucket.

    Raises:
        ModelError: the task has no such model or no champion, the task's functions do not fit the
            model, the model is the champion, or the shares would add up to more than 1.
    """
    with transaction(connection):
        _refuse_unfit(connection, task, model_id)
        champion = _named(connection, "champions", task, "no champion to share with")
        if champion == model_id:
            raise ModelError(
                f"model {model_id} is the champion of task {task}: it has the rest of the traffic"
            )
        names, known = (_input_names(connection, task, one) for one in (model_id, champion))
        if share and names != known:
            raise ModelError(
                f"model {model_id} does not have the inputs of model {champion}, the champion of "
                f"task {task}, which the functions encode songs for: assign a model that has"
            )
        _free_unused_buckets(connection, task)
        own, others = _buckets(connection, task, model_id)
        wanted = _wanted(task, share, BUCKETS - len(others))
        free = [bucket for bucket in range(BUCKETS) if bucket not in own | others]
        kept = sorted(own)[:wanted]
        _deal(connection, task, model_id, sorted(kept + free[: wanted - len(kept)]))
        renew_served_models(connection)


def _input_names(connection: duckdb.DuckDBPyConnection, task: str, model_id: str) -> list[str]:
    query = "select any_value(inputs) from ml.model_versions where task = ? and model_id = ?"
    ((inputs,),) = connection.execute(query, [task, model_id]).fetchall()
    return [one["name"] for one in inputs]


def _free_unused_buckets(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Delete the buckets of challengers that have no traffic.

    A challenger that became champion keeps its keys. One that has other inputs than the champion
    gets none.
    """
    connection.execute(
        "delete from ml.assignments where task = $task and model_id not in "
        "(select model_id from ml.traffic where task = $task and not is_champion)",
        {"task": task},
    )


def _buckets(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str
) -> tuple[set[int], set[int]]:
    """Return the buckets of a model, and those of the other challengers."""
    query = "select model_id, first_bucket, last_bucket from ml.assignments where task = ?"
    own: set[int] = set()
    others: set[int] = set()
    for owner, first, last in connection.execute(query, [task]).fetchall():
        (own if owner == model_id else others).update(range(first, last + 1))
    return own, others


def _wanted(task: str, share: float, free: int) -> int:
    wanted = round(share * BUCKETS) if 0 <= share <= 1 else -1
    if share > 0 and wanted == 0:
        raise ModelError(
            f"a share must be 0 or at least {1 / BUCKETS:g}, got {share}: give a larger share, or 0"
        )
    if not 0 <= wanted <= free:
        why = ", because other challengers have the rest" if free < BUCKETS else ""
        raise ModelError(
            f"a share of task {task} is 0 to {free / BUCKETS:g}{why}, got {share}: see "
            "select * from ml.traffic"
        )
    return wanted


def _deal(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str, buckets: list[int]
) -> None:
    connection.execute(
        "delete from ml.assignments where task = ? and model_id = ?", [task, model_id]
    )
    runs: list[list[int]] = []
    for bucket in buckets:
        if runs and runs[-1][1] == bucket - 1:
            runs[-1][1] = bucket
        else:
            runs.append([bucket, bucket])
    for first, last in runs:
        connection.execute(
            f"insert into ml.assignments values (?, ?, ?, ?, {NOW})",
            [task, model_id, first, last],
        )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run the block in one transaction, and roll it back if anything in it fails.

    Raises:
        ModelError: the database is read-only or has no registry, a transaction is open already, or
            another session wrote to the registry.
    """
    with _lock:
        try:
            is_busy = _is_in_transaction(connection)
        except duckdb.Error as error:
            raise ModelError(_cause(error)) from error
        if is_busy:
            raise ModelError(
                "a transaction is open on this connection: commit it or roll it back first"
            )
        connection.begin()
        try:
            yield
            connection.commit()
        except duckdb.Error as error:
            _take_back(connection)
            raise ModelError(_cause(error)) from error
        except BaseException:
            _take_back(connection)
            raise


def _is_in_transaction(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether two statements share a transaction: one is open on the connection."""
    query = "select txid_current()"
    return connection.execute(query).fetchall() == connection.execute(query).fetchall()


def _take_back(connection: duckdb.DuckDBPyConnection) -> None:
    # A failed commit has rolled back already.
    try:
        connection.rollback()
    except duckdb.TransactionException:
        return


def _cause(error: duckdb.Error) -> str:
    """Explain a failed write, and name the next step."""
    text = str(error)
    if "Could not write" in text:
        return f"the registry could not be written and is unchanged: {text}\nFree disk space"
    if "read-only mode" in text:
        return f"the database was opened read-only, so its registry is unchanged\n{text}"
    if isinstance(error, duckdb.CatalogException):
        return (
            "this database has no registry of this version: run `hitparade build`; if an earlier "
            f"version made the database, run `hitparade upgrade` first\n{text}"
        )
    if isinstance(error, duckdb.TransactionException):
        return f"another session wrote to the registry at the same time: try again\n{text}"
    return f"the registry could not be written and is unchanged: {text}"


def _named(connection: duckdb.DuckDBPyConnection, view: str, task: str, absent: str) -> str:
    query = f"select model_id from ml.{view} where task = ?"
    try:
        found = connection.execute(query, [task]).fetchall()
        if not found:
            _refuse_unknown(connection, task)
    except duckdb.CatalogException as error:
        raise ModelError(_cause(error)) from error
    if not found:
        raise ModelError(
            f"task {task} has {absent}: promote a model, such as one of "
            f"`hitparade models {task}`; earlier champions are in ml.promotions"
        )
    return found[0][0]


def _record(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str, reason: str, is_pinned: bool
) -> None:
    values = {"task": task, "model_id": model_id, "reason": reason, "is_pinned": is_pinned}
    placeholders = {name: f"${name}" for name in values}
    connection.execute(RECORD_PROMOTION.format(now=NOW, **placeholders), values)
    renew_served_models(connection)


def renew_served_models(connection: duckdb.DuckDBPyConnection) -> None:
    """Renew ml.served_models and the functions with stamps, in the caller's transaction."""
    for statement in RENEW_SERVED_MODELS:
        connection.execute(statement)
    renew_functions(connection)


def renew_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions again whose stamps changed, in the caller's transaction."""
    for name, statement in connection.execute(STALE_FUNCTIONS).fetchall():
        connection.execute(statement)
        connection.execute(
            RECORD_FUNCTION.format(statement="$statement", name="$name"),
            {"statement": statement, "name": name},
        )
