"""Changing a database file that others read: on a copy beside it, which then takes its place."""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
FAILED = "failed build"  # what no database is called: its name has no blank
RUN_TABLES = ("runs", "run_sources")
TABLE = "from duckdb_tables() where database_name = ? and schema_name = 'ml' and table_name = ?"
OUTCOME = """
    select any_value(run_id), count(case when status in ('error', 'fail') then 1 end)
    from ml.runs
    where started_at >= ?
"""
FAILURE = """
    insert into ml.runs (run_id, started_at, command, node, layer, status, seconds, message)
    values (?, ?, 'build', 'publish', 'publish', 'error', ?, ?)
"""
NO_RESULTS = "dbt ended before it had results: see what it printed"
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


def build(console: Console, database: Path, arguments: Sequence[str] = ()) -> bool:
    """Run `dbt build` on a draft of a database and put the result in its place.

    A build that fails leaves the database as it was, but for the rows of the run in ml.runs; what
    it made stays in the folder `failed` of that of drafts, and takes room until the next build.

    Args:
        console: where to say what a failed build leaves.
        database: the file, which need not exist yet.
        arguments: of dbt, such as `--select`.

    Returns:
        Whether it was published.

    Raises:
        WarehouseError: someone else writes to the file, or the result is not fit to be read.
        OSError: a file or folder cannot be written.
    """
    started_at = datetime.now(UTC)
    with draft(database) as path:
        failed = path.parent / "failed" / path.name
        if failed.parent.exists():
            shutil.rmtree(failed.parent)
        is_built = dbt.run("build", *arguments, HITPARADE_DATABASE=str(path))
        faults = check(path) if is_built else []
        if path.exists() and (faults or not is_built):
            _set_aside(path, failed)
    if is_built and not faults:
        wrote(console, database)
        return True
    for fault in faults:
        console.print(fault, style="red", markup=False, soft_wrap=True)
    record_failure(database, started_at, "; ".join(faults) or NO_RESULTS, failed)
    if failed.exists():
        stands = "stands as it was" if database.exists() else "is not there yet"
        console.print(
            f"{short(database)} {stands}; what was built is {short(failed)}", soft_wrap=True
        )
    return False


def record_failure(
    database: Path, started_at: datetime, message: str, failed: Path | None = None
) -> None:
    """Leave in ml.runs of a database that a build failed, for those who watch it.

    Args:
        database: the file; one that is not there, or is of an earlier version, stays so.
        started_at: when the build began.
        message: why it failed, where no node of the run says so.
        failed: what it built, whose runs are taken over.

    Raises:
        WarehouseError: someone else writes to the file.
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
        seconds = (datetime.now(UTC) - started_at).total_seconds()
        ((run_id, failures),) = connection.execute(OUTCOME, [began]).fetchall()
        if not failures:
            run_id = run_id or str(uuid.uuid4())
            connection.execute(FAILURE, [run_id, began, seconds, message])


@contextmanager
def draft(database: Path) -> Iterator[Path]:
    """Lend a copy of a database to write to, and put it in the database's place at the end.

    Readers of the database keep what they have open; who opens it later has the new file. Nobody
    else can write to the database meanwhile. It stands as it was after an exception, and where
    the copy is gone at the end.

    Raises:
        WarehouseError: someone else writes to the file.
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
    folder.mkdir(exist_ok=True)
    path = folder / database.name
    with _alone(folder), _without_writers(database) as source:
        _remove(path)
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
            _remove(path)


def check(path: Path) -> list[str]:
    """Return what makes a database unfit to be read, by what any client sees of it.

    Looks whether each view works, with the runtime as some want it, and whether the bytes of each
    champion are those that were stored.

    Raises:
        WarehouseError: the file cannot be opened, or is no finished warehouse.
    """
    with opened(path) as connection:
        udfs.register(connection)
        views = connection.execute(VIEWS).fetchall()
        faults = [fault for (view,) in views if (fault := _fault(connection, view))]
        damaged = connection.execute(DAMAGED).fetchall()
    return [*faults, *(f"the champion of {task} is damaged: {id}" for task, id in damaged)]


def _fault(connection: duckdb.DuckDBPyConnection, view: str) -> str | None:
    try:
        connection.execute(f"from {view} limit 1").fetchall()
    except duckdb.Error as error:
        return f"the view {view} does not work, mend or drop it: {error}"
    return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second draft of the same database away."""
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout as error:
        raise WarehouseError(
            f"another program builds in {folder}: wait until it is done"
        ) from error


@contextmanager
def _without_writers(database: Path) -> Iterator[BinaryIO | None]:
    """Hold the database as readers do, which DuckDB lets nobody write beside; lend its bytes."""
    if not database.exists():
        if _log(database).exists():  # DuckDB would take it for a log of the new file
            raise WarehouseError(
                f"{_log(database)} is left of a database that is gone: move it away too"
            )
        yield None
        return
    if _log(database).exists():  # a program died while it wrote: DuckDB ends its work
        connect(database).close()
    # POSIX takes DuckDB's lock away with the first descriptor of the file that this process
    # closes, so this one is the only other, and the last to go.
    with open(database, "rb") as source, connect(database, read_only=True):
        yield source


@contextmanager
def _told_as_untouched(database: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{database} stays as it was: {error}. A change is made on a copy beside it: "
            "see that the folder can be written and has room."
        ) from error


def _copy(source: BinaryIO, path: Path) -> None:
    with open(path, "wb") as target:
        shutil.copyfileobj(source, target, CHUNK)


def _replace(path: Path, database: Path) -> None:
    """Put a draft in the place of the database, whole on the disk before its name is."""
    _take_log(path)
    _sync(path)
    os.replace(path, database)
    _sync(database.parent)


def _set_aside(path: Path, failed: Path) -> None:
    """Keep what a failed build made, under its name: the database's name is part of its views."""
    _take_log(path)
    failed.parent.mkdir()
    os.replace(path, failed)


def _take_log(path: Path) -> None:
    """Have DuckDB move what is in the log of a file into the file."""
    if _log(path).exists():
        connect(path).close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_runs(connection: duckdb.DuckDBPyConnection, failed: Path) -> None:
    """Take over what a failed build says of its run."""
    path = str(failed).replace("'", "''")
    connection.execute(f"attach '{path}' as \"{FAILED}\" (read_only)")
    for table in RUN_TABLES:
        # A file from an earlier version has none, and its build may have failed at once.
        if connection.execute(TABLE, [FAILED, table]).fetchall():
            run = f'from "{FAILED}".ml.{table}'
            connection.execute(f"create table if not exists ml.{table} as {run} limit 0")
            known = f"select run_id from ml.{table}"
            connection.execute(
                f"insert into ml.{table} by name {run} where run_id not in ({known})"
            )


def _remove(path: Path) -> None:
    for leftover in (path, _log(path)):
        leftover.unlink(missing_ok=True)


def _log(path: Path) -> Path:
    """The write-ahead log of a database file."""
    return path.with_name(f"{path.name}.wal")
