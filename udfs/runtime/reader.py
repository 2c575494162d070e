"""Reading a database file that `hitparade publish` replaces from time to time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from udfs.runtime.functions import register

# What tells one published file from the next.
State = tuple[int, int, int]


class Reader:
    """A database file, read by many threads, whose functions run in onnxruntime.

        reader = Reader("hitparade.duckdb")
        with reader.cursor() as cursor:
            cursor.execute("select predict_hit(0.7, 0.8, 0.5, 120)").fetchall()

    A cursor sees the file as it was when the cursor was lent, whatever is published meanwhile; the
    next one sees the newest. Cursors are used again, for registering the functions takes a while.
    """

    def __init__(self, path: str | os.PathLike):
        """Take the path of a file; it is opened with the first cursor."""
        self._path = Path(path)
        self._lock = threading.Lock()
        self._state: State | None = None
        self._connection: duckdb.DuckDBPyConnection
        self._idle: list[duckdb.DuckDBPyConnection] = []

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor on the newest file.

        Raises:
            OSError: there is no such file.
            duckdb.Error: it cannot be opened: another program writes to it, or it is no database.
        """
        state, cursor = self._take()
        yield cursor  # one whose query failed, or never ended, is not used again
        if _is_fit(cursor):
            with self._lock:
                if state == self._state:
                    self._idle.append(cursor)

    def _take(self) -> tuple[State, duckdb.DuckDBPyConnection]:
        with self._lock:
            file = os.stat(self._path)
            state = (file.st_dev, file.st_ino, file.st_mtime_ns)
            if state != self._state:
                # Attached to a database of its own: DuckDB would give a process that connects to
                # the same path once more the file that it has open already.
                self._connection = duckdb.connect()
                self._connection.execute(f"attach '{_quoted(self._path)}' as songs (read_only)")
                self._state, self._idle = state, []
            if self._idle:
                return state, self._idle.pop()
            cursor = self._connection.cursor()
        cursor.execute("use songs")
        register(cursor)
        return state, cursor


def _is_fit(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether the next borrower finds it as the first did: open, in no transaction, in the file."""
    try:
        cursor.execute("begin")  # which fails within a transaction
        cursor.execute("rollback")
        cursor.execute("use songs")
    except duckdb.Error:
        return False
    return True


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
