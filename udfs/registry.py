"""Operations on the registry: promote, roll back, pin, unpin, prune, split the traffic.

Each is one transaction on the caller's connection, and the next query of every session of the
process sees it. The views of the registry hold the rules; `dbt run-operation` follows the same.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from udfs.sessions import ModelError

# Later than all before it, also where a clock was set back.
NEXT_PROMOTION_AT = """
    greatest(
        make_timestamp(epoch_us(now())),
        coalesce(
            (select max(promoted_at) from ml.promotions) + interval 1 microsecond,
            make_timestamp(epoch_us(now()))
        )
    )
"""
# The tables that hold models.
TABLES = """
    select table_name from duckdb_tables()
    where
        database_name = current_database() and schema_name = 'ml'
        and (starts_with(table_name, 'train_') or table_name = 'registered_models')
"""
# Two transactions at once would both renew the serving table, and one of them would fail.
_lock = threading.RLock()


def promote(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str, reason: str = "by hand"
) -> None:
    """Make a model the champion of its task, and pin the task: the rule leaves it alone.

    Raises:
        ModelError: the task has no such model, the model was pruned, or its inputs are not those
            of the task's functions; or the registry cannot be written.
    """
    with transaction(connection):
        query = "select refusal from ml.promotable_models where task = ? and model_id = ?"
        found = connection.execute(query, [task, model_id]).fetchall()
        if not found:
            raise ModelError(
                f"task {task} has no model {model_id}: "
                "see select model_id, task, algorithm from ml.model_versions"
            )
        if found[0][0]:
            raise ModelError(found[0][0])
        _record(connection, task, model_id, reason, is_pinned=True)


def rollback(connection: duckdb.DuckDBPyConnection, task: str) -> str:
    """Promote the champion before the present one, pin the task, and return its model_id.

    Raises:
        ModelError: there was none before, or `promote` refuses it.
    """
    with _lock:
        model_id = _named(connection, "previous_champions", task, "no earlier champion")
        promote(connection, task, model_id, "rolled back")
    return model_id


def pin(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Keep the champion of a task: the rule leaves it alone until it is unpinned.

    Raises:
        ModelError: the task has no champion.
    """
    with transaction(connection):
        champion = _named(connection, "champions", task, "no champion")
        _record(connection, task, champion, "pinned", is_pinned=True)


def unpin(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Let the rule choose the champion of a task again, from the next build on.

    Raises:
        ModelError: the task has no champion.
    """
    with transaction(connection):
        champion = _named(connection, "champions", task, "no champion")
        _record(connection, task, champion, "unpinned", is_pinned=False)


def prunable(connection: duckdb.DuckDBPyConnection, keep: int) -> list[tuple[str, str, int, int]]:
    """Return (task, algorithm, version, bytes) of what `prune` would take.

    Raises:
        ModelError: keep is less than 1.
    """
    if keep < 1:
        raise ModelError(f"keep must be at least 1, got {keep}: the newest versions are in use")
    return connection.execute(
        "select task, algorithm, version, onnx_bytes from ml.prunable_models "
        "where newer_versions >= ? order by all",
        [keep],
    ).fetchall()


def prune(connection: duckdb.DuckDBPyConnection, keep: int = 1) -> list[tuple[str, str, int, int]]:
    """Drop the bytes of models that nothing uses, and keep what is known of them.

    Never dropped are the newest `keep` versions of an algorithm, the champions, those before them,
    what stored predictions name and what takes part in the traffic.

    Returns:
        (task, algorithm, version, bytes) of each.

    Raises:
        ModelError: keep is less than 1, or the registry cannot be written.
    """
    with transaction(connection):
        models = prunable(connection, keep)
        for (table,) in connection.execute(TABLES).fetchall():
            for task, algorithm, version, _ in models:
                connection.execute(
                    f"update ml.{table} set onnx = null, portable = null, "
                    "pruned_at = make_timestamp(epoch_us(now())) "
                    "where task = ? and algorithm = ? and version = ?",
                    [task, algorithm, version],
                )
    return models


def assign(connection: duckdb.DuckDBPyConnection, task: str, model_id: str, share: float) -> None:
    """Give a model a share of a task's traffic, see `assigned_model`; the champion has the rest.

    A share of 0 takes the model out. Who belongs to another model stays there, as long as that
    model's share does not shrink.

    Raises:
        ModelError: the task has no such model, or the shares would exceed 1.
    """
    with transaction(connection):
        _check_share(connection, task, model_id, share)
        if share:
            connection.execute(
                "insert or replace into ml.assignments "
                "values (?, ?, ?, make_timestamp(epoch_us(now())))",
                [task, model_id, share],
            )
        else:
            connection.execute(
                "delete from ml.assignments where task = ? and model_id = ?", [task, model_id]
            )
        renew_served_models(connection)


def _check_share(connection, task: str, model_id: str, share: float) -> None:
    versions = "from ml.model_versions where task = ? and model_id = ? and pruned_at is null"
    ((known,),) = connection.execute(f"select count(*) {versions}", [task, model_id]).fetchall()
    if not known:
        raise ModelError(
            f"task {task} has no model {model_id} with its bytes: "
            "see select model_id, task, pruned_at from ml.model_versions"
        )
    others = "select coalesce(sum(share), 0) from ml.assignments where task = ? and model_id <> ?"
    ((taken,),) = connection.execute(others, [task, model_id]).fetchall()
    if not 0 <= share <= 1 - taken:
        raise ModelError(
            f"a share must be between 0 and {1 - taken:g}, what the other challengers of task "
            f"{task} leave, got {share}: see select * from ml.traffic"
        )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One transaction, taken back as a whole where anything in it fails.

    Raises:
        ModelError: the database is read-only or has no registry, or another session wrote to it.
    """
    with _lock:
        if _is_in_transaction(connection):
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


def _is_in_transaction(connection) -> bool:
    """True where two statements have one transaction; to begin a second would undo the first."""
    query = "select txid_current()"
    return connection.execute(query).fetchall() == connection.execute(query).fetchall()


def _take_back(connection) -> None:
    # A commit that failed has rolled back by itself.
    try:
        connection.rollback()
    except duckdb.TransactionException:
        return


def _cause(error: duckdb.Error) -> str:
    """What a failed write means, and the next step."""
    text = str(error)
    if "Could not write" in text:
        return (
            f"the registry could not be written and stays as it was: {text}\nMake room on the disk"
        )
    if "read-only mode" in text:
        return f"the database was opened read-only, so its registry stays as it is\n{text}"
    if isinstance(error, duckdb.CatalogException):
        return f"this database has no registry of this version: run `hitparade build`\n{text}"
    if isinstance(error, duckdb.TransactionException):
        return f"another session wrote to the registry at the same moment: try again\n{text}"
    return f"the registry could not be written and stays as it was: {text}"


def _named(connection, view: str, task: str, absent: str) -> str:
    query = f"select model_id from ml.{view} where task = ?"
    try:
        found = connection.execute(query, [task]).fetchall()
    except duckdb.CatalogException as error:
        raise ModelError(_cause(error)) from error
    if not found:
        raise ModelError(f"task {task} has {absent}: see select * from ml.promotions")
    return found[0][0]


def _record(connection, task: str, model_id: str, reason: str, is_pinned: bool) -> None:
    connection.execute(
        f"insert into ml.promotions values ({NEXT_PROMOTION_AT}, ?, ?, ?, true, ?)",
        [task, model_id, reason, is_pinned],
    )
    renew_served_models(connection)


def renew_served_models(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the table of the portable lane anew, in the caller's transaction."""
    connection.execute("delete from ml.served_models")
    connection.execute("insert into ml.served_models by name select * from ml.models_to_serve")
