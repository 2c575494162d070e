"""Read a database file that `hitparade publish` replaces from time to time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from udfs.runtime.functions import register

# Device, inode and time of change: they tell a newly published file from the previous one.
State = tuple[int, int, int]


class Reader:
    """A database file for many reading threads, with its functions in onnxruntime.

        reader = Reader("hitparade.duckdb")
        with reader.cursor() as cursor:
            cursor.execute("select predict_hit(0.7, 0.8, 0.5, 120)").fetchall()

    A cursor sees the file as it was when the block began, even if another is published
    meanwhile. The next cursor sees the newest file. Cursors are reused, because registering the
    functions takes a while.
    """

    def __init__(self, path: str | os.PathLike):
        """Take the path of a file, which is opened for the first cursor."""
        self._path = Path(path)
        self._lock = threading.Lock()
        self._state: State | None = None
        self._connection: duckdb.DuckDBPyConnection
        self._idle: list[duckdb.DuckDBPyConnection] = []

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor on the newest file.

        Raises:
            OSError: the file does not exist.
            duckdb.Error: another program writes to the file, or it is not a database.
        """
        state, cursor = self._take()
        yield cursor  # after an exception here the cursor is not reused
        if _is_fit(cursor):
            with self._lock:
                if state == self._state:
                    self._idle.append(cursor)

    def _take(self) -> tuple[State, duckdb.DuckDBPyConnection]:
        with self._lock:
            state = file_state(self._path)
            if state != self._state:
                # Attached to an in-memory database: a second connect to the same path would
                # return the file that this process has open already.
                self._connection = duckdb.connect()
                self._connection.execute(f"attach '{_quoted(self._path)}' as songs (read_only)")
                self._state, self._idle = state, []
            if self._idle:
                return state, self._idle.pop()
            cursor = self._connection.cursor()
        cursor.execute("use songs")
        register(cursor)
        return state, cursor


def file_state(path: Path) -> State:
    """Return what changes when another file is published under a path.

    Raises:
        OSError: the file does not exist.
    """
    file = os.stat(path)
    return file.st_dev, file.st_ino, file.st_mtime_ns


def _is_fit(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Return whether a cursor can be reused: open, in no transaction, and using the file."""
    try:
        cursor.execute("begin")  # fails inside a transaction
        cursor.execute("rollback")
        cursor.execute("use songs")
    except duckdb.Error:
        return False
    return True


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
