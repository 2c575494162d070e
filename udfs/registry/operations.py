"""Operations on the registry: promote, roll back, pin, unpin, prune, split the traffic.

Each is one transaction on the caller's connection, and the next query of every session of the
process sees it. The views of the registry hold the rules; `dbt run-operation` follows the same.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from udfs.errors import ModelError
from udfs.registry.statements import NOW, RECORD_PROMOTION, RENEW_SERVED_MODELS

# What the traffic of a task is dealt to, see ml.assignments.
BUCKETS = 10_000
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
        _refuse_unfit(connection, task, model_id)
        _record(connection, task, model_id, reason, is_pinned=True)


def _refuse_unfit(connection: duckdb.DuckDBPyConnection, task: str, model_id: str) -> None:
    query = "select refusal from ml.promotable_models where task = ? and model_id = ?"
    found = connection.execute(query, [task, model_id]).fetchall()
    if not found:
        _refuse_unknown(connection, task)
        raise ModelError(
            f"task {task} has no model {model_id}: "
            "see select model_id, task, algorithm from ml.model_versions"
        )
    if found[0][0]:
        raise ModelError(found[0][0])


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    query = "select distinct task from ml.model_versions order by task"
    tasks = [name for (name,) in connection.execute(query).fetchall()]
    if task not in tasks:
        known = f"those with models are {', '.join(tasks)}" if tasks else "run `hitparade build`"
        raise ModelError(f"there is no task {task}: {known}")


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
    if not isinstance(keep, int) or keep < 1:
        raise ModelError(f"keep must be a whole number from 1 on, got {keep!r}")
    try:
        return [model[:4] for model in _prunable(connection, keep)]
    except duckdb.Error as error:
        raise ModelError(_cause(error)) from error


def _prunable(connection: duckdb.DuckDBPyConnection, keep: int) -> list[tuple]:
    return connection.execute(
        "select task, algorithm, version, onnx_bytes, model_id, origin from ml.prunable_models "
        "where newer_versions >= ? order by all",
        [keep],
    ).fetchall()


def prune(connection: duckdb.DuckDBPyConnection, keep: int = 3) -> list[tuple[str, str, int, int]]:
    """Drop the bytes of models that nothing uses, and keep what is known of them.

    Never dropped are the newest `keep` versions of an algorithm, the champions, those before them,
    what stored predictions name and what takes part in the traffic.

    Returns:
        (task, algorithm, version, bytes) of each.

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

    A share of 0 takes the model out. Keys move between this model and the champion alone: those of
    other challengers stay where they are. A share is a whole number of 10,000 buckets.

    Raises:
        ModelError: the task has no such model, its functions do not fit the model, it is the
            champion or there is none, or the shares would exceed 1.
    """
    with transaction(connection):
        _refuse_unfit(connection, task, model_id)
        if _named(connection, "champions", task, "no champion to share with") == model_id:
            raise ModelError(f"model {model_id} is the champion of task {task}: it has the rest")
        _free_buckets_of_champion(connection, task)
        own, others = _buckets(connection, task, model_id)
        wanted = _wanted(task, share, BUCKETS - len(others))
        free = [bucket for bucket in range(BUCKETS) if bucket not in own | others]
        kept = sorted(own)[:wanted]
        _deal(connection, task, model_id, sorted(kept + free[: wanted - len(kept)]))
        renew_served_models(connection)


def _free_buckets_of_champion(connection: duckdb.DuckDBPyConnection, task: str) -> None:
    """Take back what a challenger had before it became champion: nothing moves by that."""
    connection.execute(
        "delete from ml.assignments where task = $task "
        "and model_id in (select model_id from ml.champions where task = $task)",
        {"task": task},
    )


def _buckets(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str
) -> tuple[set[int], set[int]]:
    """The buckets that a model has, and those of the other challengers."""
    query = "select model_id, first_bucket, last_bucket from ml.assignments where task = ?"
    own: set[int] = set()
    others: set[int] = set()
    for owner, first, last in connection.execute(query, [task]).fetchall():
        (own if owner == model_id else others).update(range(first, last + 1))
    return own, others


def _wanted(task: str, share: float, free: int) -> int:
    wanted = round(share * BUCKETS) if 0 <= share <= 1 else -1
    if share > 0 and wanted == 0:
        raise ModelError(f"a share is a multiple of {1 / BUCKETS:g}, got {share}: give more, or 0")
    if not 0 <= wanted <= free:
        raise ModelError(
            f"a share must be between 0 and {free / BUCKETS:g}, what the other challengers of task "
            f"{task} leave, got {share}: see select * from ml.traffic"
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
    """One transaction, taken back as a whole where anything in it fails.

    Raises:
        ModelError: the database is read-only or has no registry, or another session wrote to it.
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
    """True where two statements have one transaction; to begin a second would undo the first."""
    query = "select txid_current()"
    return connection.execute(query).fetchall() == connection.execute(query).fetchall()


def _take_back(connection: duckdb.DuckDBPyConnection) -> None:
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
        return (
            "this database has no registry of this version: run `hitparade build`, and before it "
            f"`hitparade upgrade` where an earlier version made it\n{text}"
        )
    if isinstance(error, duckdb.TransactionException):
        return f"another session wrote to the registry at the same moment: try again\n{text}"
    return f"the registry could not be written and stays as it was: {text}"


def _named(connection: duckdb.DuckDBPyConnection, view: str, task: str, absent: str) -> str:
    query = f"select model_id from ml.{view} where task = ?"
    try:
        found = connection.execute(query, [task]).fetchall()
        if not found:
            _refuse_unknown(connection, task)
    except duckdb.CatalogException as error:
        raise ModelError(_cause(error)) from error
    if not found:
        raise ModelError(f"task {task} has {absent}: see select * from ml.promotions")
    return found[0][0]


def _record(
    connection: duckdb.DuckDBPyConnection, task: str, model_id: str, reason: str, is_pinned: bool
) -> None:
    values = {"task": task, "model_id": model_id, "reason": reason, "is_pinned": is_pinned}
    placeholders = {name: f"${name}" for name in values}
    connection.execute(RECORD_PROMOTION.format(now=NOW, **placeholders), values)
    renew_served_models(connection)


def renew_served_models(connection: duckdb.DuckDBPyConnection) -> None:
    """Renew the table of the SQL backend, in the caller's transaction."""
    for statement in RENEW_SERVED_MODELS:
        connection.execute(statement)
