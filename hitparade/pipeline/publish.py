"""Change a database file that others read: work on a copy, which then replaces the file."""

import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import duckdb
from filelock import FileLock, Timeout
from rich.console import Console

import udfs
from hitparade.output import short, wrote
from hitparade.pipeline import dbt
from hitparade.warehouse import STEPS, WarehouseError, connect, opened

CHUNK = 16 * 1024 * 1024
# Seconds that a change waits for another one. A batch of `hitparade follow` usually takes less.
WAIT = 120
RETRY = 0.2  # seconds
FAILED = "failed build"  # cannot be the name of the database, because it has a blank
RUN_TABLES = ("runs", "run_sources")
TABLE = "from duckdb_tables() where database_name = ? and schema_name = 'ml' and table_name = ?"
OUTCOME = """
    select any_value(run_id), count(case when status in ('error', 'fail') then 1 end)
    from ml.runs
    where started_at >= ?
"""
RESULT = """
    insert into ml.runs (run_id, started_at, command, node, layer, status, seconds, message)
    values ($run_id, $started_at, $command, $node, 'publish', $status, $seconds, $message)
"""
# What ml.runs names a build or a batch that failed without a failure of a model or a test.
RESULT_NODES = {"build": "publish", "follow": "follow"}
LAST_STATUS = "select arg_max(status, started_at) from ml.runs where node = ?"
NODES = "select count(*) from ml.runs where started_at >= ?"
NO_RESULTS = "dbt ended before it had results: see its messages"
VIEWS = """
    select format('"{}"."{}"', schema_name, view_name)
    from duckdb_views()
    where not internal and not temporary
    order by all
"""
DAMAGED = """
    select champions.task, champions.model_id
    from ml.champions as champions
    left join ml.model_artifacts as artifacts on champions.model_id = artifacts.model_id
    where artifacts.onnx is null or sha256(artifacts.onnx) is distinct from artifacts.sha256
    order by all
"""


class BusyError(WarehouseError):
    """Another program makes a change of its own."""


def build(
    console: Console,
    database: Path,
    arguments: Sequence[str] = (),
    *,
    command: str = "build",
    wait: float = WAIT,
) -> bool:
    """Run `dbt build` on a draft of a database, and replace the database with the result.

    A failed build adds the rows of its run to ml.runs, and leaves the rest of the database
    unchanged. Its result stays in the subfolder `failed` of the drafts until the next build.

    Args:
        console: where to print where the result of a failed build is.
        database: the file, which need not exist yet.
        arguments: arguments of dbt, such as `--select`.
        command: what ml.runs has as the command if no model failed.
        wait: seconds to wait for another program that changes the file.

    Returns:
        Whether the result was published.

    Raises:
        BusyError: another program was changing the file for all that time.
        WarehouseError: another program writes to the file, the result is not readable, or dbt
            built nothing.
        OSError: a file or folder cannot be written.
    """
    started_at = datetime.now(UTC)
    with draft(database, wait) as path:
        failed = path.parent.parent / "failed" / path.name
        if failed.parent.exists():
            shutil.rmtree(failed.parent)
        # dbt would parse the project again for another path of the database.
        paths = {"HITPARADE_DATABASE": str(database), "HITPARADE_DRAFT": str(path)}
        is_built = dbt.run("build", *arguments, **paths)
        if is_built and not _has_results(path, started_at):
            _remove(path)
            raise WarehouseError(
                "dbt built nothing, so nothing is published: check the selection, for example with "
                "`dbt list --select`"
            )
        faults = check(path) if is_built else []
        if is_built and not faults and command == "follow":
            _resolve(path, started_at)
        if path.exists() and (faults or not is_built):
            _set_aside(path, failed)
    if is_built and not faults:
        wrote(console, database)
        return True
    for fault in faults:
        console.print(fault, style="red", markup=False, soft_wrap=True)
    message = "; ".join(faults) or NO_RESULTS
    record_failure(database, started_at, message, failed, command=command)
    if failed.exists():
        state = "is unchanged" if database.exists() else "does not exist yet"
        console.print(
            f"{short(database)} {state}; the failed build is {short(failed)}", soft_wrap=True
        )
    return False


def _has_results(path: Path, started_at: datetime) -> bool:
    """Return whether a run of dbt since then has results in a database."""
    if not path.exists():
        return False
    with opened(path) as connection:
        if not connection.execute(TABLE, [path.stem, "runs"]).fetchall():
            return False
        ((count,),) = connection.execute(NODES, [started_at.replace(tzinfo=None)]).fetchall()
    return count > 0


def record_failure(
    database: Path,
    started_at: datetime,
    message: str,
    failed: Path | None = None,
    *,
    command: str = "build",
) -> None:
    """Record a failed build in ml.runs of a database, so that `hitparade watch` reports it.

    Args:
        database: the file. Nothing is recorded if it does not exist or an earlier version made it.
        started_at: when the build began.
        message: why the build failed, used if no node of the run failed.
        failed: the file of the failed build, whose rows of ml.runs are copied.
        command: the command that failed, used if no node of the run failed.

    Raises:
        WarehouseError: another program writes to the file.
        OSError: a file or folder cannot be written.
    """
    if not database.exists():
        return
    with draft(database) as copy, opened(copy, read_only=False) as connection:
        if failed and failed.exists():
            _take_runs(connection, failed)
        if not connection.execute(TABLE, [copy.stem, "runs"]).fetchall():
            return
        began = started_at.replace(tzinfo=None)
        ((run_id, failures),) = connection.execute(OUTCOME, [began]).fetchall()
        if not failures:
            _record(connection, started_at, command, run_id, status="error", message=message)


def _resolve(path: Path, started_at: datetime) -> None:
    """Record that a batch succeeded, if the last one failed without a failure of a model or a test.

    For builds, rpt_incidents waits for a complete one.
    """
    with opened(path, read_only=False) as connection:
        ((last,),) = connection.execute(LAST_STATUS, [RESULT_NODES["follow"]]).fetchall()
        if last == "error":
            _record(connection, started_at, "follow", None, status="success", message=None)


def _record(
    connection: duckdb.DuckDBPyConnection,
    started_at: datetime,
    command: str,
    run_id: str | None,
    *,
    status: str,
    message: str | None,
) -> None:
    row = {
        "run_id": run_id or str(uuid.uuid4()),
        "started_at": started_at.replace(tzinfo=None),
        "command": command,
        "node": RESULT_NODES[command],
        "status": status,
        "seconds": (datetime.now(UTC) - started_at).total_seconds(),
        "message": message,
    }
    connection.execute(RESULT, row)


@contextmanager
def draft(database: Path, wait: float = WAIT) -> Iterator[Path]:
    """Yield a writable copy of a database, and replace the database with it at the end.

    Readers keep the file that they have open; later readers open the new file. Nobody else can
    write to the database meanwhile. The database stays unchanged after an exception, and if the
    copy no longer exists at the end. Only the result of a failed build stays beside it.

    Args:
        database: the file, which need not exist yet.
        wait: seconds to wait for another draft of the file.

    Raises:
        BusyError: another program had a draft for all that time.
        WarehouseError: another program writes to the file.
        OSError: a file or folder cannot be written.
    """
    database = database.resolve()
    if not database.parent.is_dir():
        raise OSError(f"{database} cannot be written: {database.parent} is not a folder")
    if database.exists() and not os.access(database, os.W_OK):
        raise WarehouseError(
            f'Cannot open file "{database}": Permission denied\n{STEPS["Permission denied"]}'
        )
    folder = database.with_suffix(".draft")
    with _alone(folder, wait), _without_writers(database) as source:
        _clear(folder)
        # A folder of its own, because dbt outlives a program that is killed, and goes on writing.
        path = Path(tempfile.mkdtemp(dir=folder)) / database.name
        try:
            if source:
                with _told_as_untouched(database):
                    _copy(source, path)
                    shutil.copymode(database, path)
            yield path
            if path.exists():
                with _told_as_untouched(database):
                    _replace(path, database)
        finally:
            shutil.rmtree(path.parent)


def check(path: Path) -> list[str]:
    """Return the faults of a database that a client would notice.

    Each view must work, with the ONNX Runtime backend because some views need it. The bytes of
    each champion must be those that were stored.

    Raises:
        WarehouseError: the file cannot be opened, or is not a finished warehouse.
    """
    with opened(path) as connection:
        udfs.register(connection)
        # Without it, DuckDB 2.0 waits forever for the first row of a view that reads a large common
        # table expression twice.
        connection.execute("set disabled_optimizers = 'cte_inlining'")
        views = connection.execute(VIEWS).fetchall()
        faults = [fault for (view,) in views if (fault := _fault(connection, view))]
        damaged = connection.execute(DAMAGED).fetchall()
    return [*faults, *(f"the champion of {task} is damaged: {id}" for task, id in damaged)]


def _fault(connection: duckdb.DuckDBPyConnection, view: str) -> str | None:
    try:
        connection.execute(f"from {view} limit 1").fetchall()
    except duckdb.Error as error:
        return f"the view {view} does not work, fix or drop it: {error}"
    return None


@contextmanager
def _alone(folder: Path, wait: float) -> Iterator[None]:
    """Yield the folder of a database's drafts to one program at a time; remove it if empty."""
    lock = folder / "lock"
    with _locked(lock, wait):
        try:
            yield
        finally:
            # While it is held: whoever opened it before does not get a lock on a removed file.
            lock.unlink(missing_ok=True)
            with suppress(OSError):  # it has the result of a failed build
                folder.rmdir()


@contextmanager
def _locked(lock: Path, wait: float) -> Iterator[None]:
    held, end, is_told = FileLock(lock), time.monotonic() + wait, False
    while not held.is_locked:
        try:
            lock.parent.mkdir(exist_ok=True)
            held.acquire(timeout=0)
        except (Timeout, FileNotFoundError) as error:  # or the folder was removed just now
            said = f"another program is building in {lock.parent}: "
            if time.monotonic() >= end:
                raise BusyError(f"{said}wait until it is done") from error
            if not is_told:
                print(f"{said}waiting", file=sys.stderr, flush=True)
                is_told = True
            time.sleep(RETRY)
    try:
        yield
    finally:
        held.release()


@contextmanager
def _without_writers(database: Path) -> Iterator[BinaryIO | None]:
    """Yield the bytes of a database under a reader's lock, so that no other program can write."""
    if not database.exists():
        if _log(database).exists():  # DuckDB would apply it to the new file
            raise WarehouseError(
                f"{_log(database)} belongs to a database that no longer exists: move it away too"
            )
        yield None
        return
    if _log(database).exists():  # a program died while writing: DuckDB applies its log
        connect(database).close()
    # POSIX releases DuckDB's lock when this process closes any descriptor of the file, so this one
    # is the only other descriptor, and is closed last.
    with open(database, "rb") as source, connect(database, read_only=True):
        yield source


@contextmanager
def _told_as_untouched(database: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{database} is unchanged: {error}. Changes are made on a copy in the same folder: "
            "make sure that the folder is writable and has free space."
        ) from error


def _copy(source: BinaryIO, path: Path) -> None:
    with open(path, "wb") as target:
        shutil.copyfileobj(source, target, CHUNK)


def _replace(path: Path, database: Path) -> None:
    """Replace the database with a draft, which is fully on disk before it gets the name."""
    _take_log(path)
    _sync(path)
    os.replace(path, database)
    _sync(database.parent)


def _set_aside(path: Path, failed: Path) -> None:
    """Keep the result of a failed build under the same file name, which its views refer to."""
    _take_log(path)
    failed.parent.mkdir()
    os.replace(path, failed)


def _take_log(path: Path) -> None:
    """Have DuckDB move the contents of a file's log into the file."""
    if _log(path).exists():
        connect(path).close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_runs(connection: duckdb.DuckDBPyConnection, failed: Path) -> None:
    """Copy the rows on its run from the file of a failed build."""
    path = str(failed).replace("'", "''")
    connection.execute(f"attach '{path}' as \"{FAILED}\" (read_only)")
    for table in RUN_TABLES:
        # A file from an earlier version lacks these tables if its build failed at once.
        if connection.execute(TABLE, [FAILED, table]).fetchall():
            run = f'from "{FAILED}".ml.{table}'
            connection.execute(f"create table if not exists ml.{table} as {run} limit 0")
            new = f"{run} where run_id not in (select run_id from ml.{table})"
            if table == "runs":  # a batch that fails is tried each minute
                new += " and (command <> 'follow' or status in ('error', 'fail'))"
            connection.execute(f"insert into ml.{table} by name {new}")


def _clear(folder: Path) -> None:
    """Remove the drafts of programs that were killed."""
    for leftover in folder.iterdir():
        if leftover.is_dir() and leftover.name != "failed":
            shutil.rmtree(leftover, ignore_errors=True)  # dbt may still write to it


def _remove(path: Path) -> None:
    for leftover in (path, _log(path)):
        leftover.unlink(missing_ok=True)


def _log(path: Path) -> Path:
    """Return the path of a database file's write-ahead log."""
    return path.with_name(f"{path.name}.wal")
