"""`hitparade follow`: publish new playlists in batches, as their files arrive.

What was read is known from the database itself: the list of files that its tables were made from,
which a batch publishes together with these tables. So a batch that is killed changes nothing, and
its files are new to the next one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Never

from filelock import FileLock, Timeout
from rich.console import Console

from hitparade.pipeline import publish
from hitparade.sources import slices
from hitparade.sources.folders import RawFileError, raw_folder
from hitparade.warehouse import WarehouseError, opened

# selectors.yml has what a new playlist changes. Unit tests are about the code.
SELECTION = ("--selector", "playlists", "--exclude-resource-type", "unit_test")
# Seconds between two looks at the folder. A folder on a network tells nobody of new files.
POLL = 5
# Least seconds between two batches, in which a build or a promotion that waits can begin.
GAP = 1
MOST = 5  # files that are named; of more their number is said
READ = "select slice, fingerprint from staging.stg_raw__slices where status = 'real'"
ERRORS = (RawFileError, WarehouseError, OSError)


class FollowError(RuntimeError):
    """The folder cannot be followed; the message says why and what to do."""


def run(console: Console, database: Path, folder: Path, every: float) -> Never:
    """Publish new playlists until stopped.

    Args:
        console: where to print.
        database: the file that is changed, which a build has made.
        folder: the folder of the raw files, or one in it.
        every: least seconds between the beginnings of two batches.

    Raises:
        FollowError: builds do not read the folder, or another program follows for this database.
        RawFileError: there is no folder of raw files.
        WarehouseError: the database cannot be read.
    """
    inside = _inside(folder)
    _read(database)
    with _only_one(database):
        console.print(f"following {folder}, with a batch every {every:g} seconds at most")
        told = ""
        while True:
            began = time.monotonic()
            has_tried, told = step(console, database, inside, told)
            rest = every - (time.monotonic() - began) if has_tried else min(POLL, every)
            time.sleep(max(rest, GAP))


def step(
    console: Console, database: Path, inside: PurePosixPath, told: str = ""
) -> tuple[bool, str]:
    """Publish a batch if a file is new; return whether it was tried, and its error.

    Args:
        console: where to print.
        database: the file that is changed.
        inside: the followed folder, from the folder of the raw files.
        told: the last error, which is recorded only once.
    """
    began = datetime.now(UTC)
    try:
        changed = changes(database, inside)
        if changed:
            _batch(console, database, changed)
        return bool(changed), ""
    except publish.BusyError as error:  # a build, which reads the same files
        console.print(str(error), markup=False, soft_wrap=True)
        return True, told
    except ERRORS as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        if str(error) != told:
            with suppress(*ERRORS):  # as when the disk is full: it is printed in any case
                publish.record_failure(database, began, str(error), command="follow")
        return True, str(error)


def changes(database: Path, inside: PurePosixPath) -> list[str]:
    """Return the names of the files that are new, changed or gone since the last build.

    Raises:
        RawFileError: all files of a folder are gone, or the folder is.
        WarehouseError: the database cannot be read.
        OSError: a file cannot be looked at.
    """
    read = _read(database)
    rows = slices.listed().to_pylist()
    there = frozenset((row["slice"], row["fingerprint"]) for row in rows if row["status"] == "real")
    for folder in sorted({inside, *_folders(read)}):  # a batch reads all of them
        gone = _within(folder, read)
        if gone and not _within(folder, there):
            raise RawFileError(
                f"{raw_folder() / folder} has no playlists any more, and the database has "
                f"{len(gone)} files of them: check that the folder is mounted. If they are to be "
                "removed, run `hitparade build`"
            )
    return sorted({name for name, _ in _within(inside, read) ^ _within(inside, there)})


def _folders(files: frozenset[tuple[str, str]]) -> set[PurePosixPath]:
    """Return the folders directly in that of the raw files, any of which may be a mount."""
    parts = (PurePosixPath(name).parts for name, _ in files)
    return {PurePosixPath(first) for first, *rest in parts if rest}


def _read(database: Path) -> frozenset[tuple[str, str]]:
    """Return name and fingerprint of the user's files that the tables were made from."""
    if not database.is_file():
        raise WarehouseError(f"There is no {database}: run `hitparade build`")
    state = database.stat()
    return _read_state(database, state.st_ino, state.st_mtime_ns)


@lru_cache(maxsize=1)  # the database changes more seldom than it is asked for
def _read_state(database: Path, _file: int, _modified: int) -> frozenset[tuple[str, str]]:
    with opened(database) as connection:
        return frozenset(connection.execute(READ).fetchall())


def _within(inside: PurePosixPath, files: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset(file for file in files if PurePosixPath(file[0]).is_relative_to(inside))


def _batch(console: Console, database: Path, changed: list[str]) -> None:
    began = time.monotonic()
    names = ", ".join(changed[:MOST])
    more = f" and {len(changed) - MOST} more" if len(changed) > MOST else ""
    console.print(f"new or changed: {names}{more}", markup=False, highlight=False, soft_wrap=True)
    if publish.build(console, database, SELECTION, command="follow", wait=0):
        console.print(f"published in {time.monotonic() - began:.0f} s", highlight=False)


def _inside(folder: Path) -> PurePosixPath:
    """Return the path of a folder from that of the raw files."""
    raw = raw_folder().resolve()
    if not folder.is_dir():
        raise FollowError(f"{folder} is not a folder: create it")
    if not folder.resolve().is_relative_to(raw):
        raise FollowError(
            f"{folder} is not in {raw}, so builds would not read it: move it there, or set "
            "HITPARADE_RAW to it or to a folder above it, for builds too"
        )
    return PurePosixPath(folder.resolve().relative_to(raw).as_posix())


@contextmanager
def _only_one(database: Path) -> Iterator[None]:
    """Refuse a second program that follows for the same database."""
    lock = database.with_suffix(".follow")
    try:
        with FileLock(lock, timeout=0):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
    except Timeout as error:
        raise FollowError(
            f"another `hitparade follow` publishes to {database}: stop it first"
        ) from error
