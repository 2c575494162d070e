"""The rows of a running statement, encoded for one client."""

import io
from collections.abc import Sequence
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from hitparade.serve.requests import Query
from hitparade.serve.worker.json_rows import JsonRows
from hitparade.serve.worker.labels import labels
from hitparade.serve.worker.policy import Parsed, Refused
from hitparade.serve.worker.postgres_rows import PostgresRows, Shown

# Python has no value for these; they are read as DuckDB's texts of them.
READ_AS_TEXT = {"INTERVAL", "TIMESTAMP_NS"}
ENOUGH = 2**20  # bytes of one message
MOST_ROWS = 10_000  # that are encoded together


class Result(Protocol):
    """The rows of one statement."""

    def columns(self) -> list[dict[str, Any]]:
        """Return what a client is told of each column."""

    def fetch(self, count: int) -> tuple[int, bool, bytes]:
        """Return the number of rows, whether there are more, and at most `count` rows."""


class Rows(Protocol):
    """What encodes rows of Python values."""

    separator: bytes
    """What stands between two encoded parts."""

    def columns(self) -> list[dict[str, Any]]:
        """Return what a client is told of each column."""

    def encode(self, rows: list[tuple]) -> bytes:
        """Return rows as a client reads them."""


def run(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    values: list[Any],
    query: Query,
    parsed: Parsed,
    oids: Sequence[int | None] | None,
) -> Result:
    """Start a statement; its rows are computed as they are fetched.

    Args:
        connection: to the file.
        sql: the statement, with casts of its parameters.
        values: of its parameters.
        query: how the client wants the rows.
        parsed: the statement as DuckDB parsed it.
        oids: PostgreSQL's types of the columns, where they do not follow from those of DuckDB.

    Raises:
        duckdb.Error: DuckDB cannot run it.
    """
    if query.encoding == "arrow":
        return _ArrowResult(connection, sql, values)
    description = _execute(connection, sql, values)
    names, kinds = [each[0] for each in description], [each[1] for each in description]
    rows: Rows
    if query.encoding == "json":
        rows = JsonRows(names, kinds)
    else:
        rows = postgres_rows(labels(parsed.statement, names), kinds, query, oids)
    return _TupleResult(connection, rows)


def postgres_rows(
    names: list[str], kinds: list[Any], query: Query, oids: Sequence[int | None] | None
) -> PostgresRows:
    """Return the encoder for a PostgreSQL client."""
    zone = query.settings.get("timezone", "UTC")
    return PostgresRows(
        names, kinds, Shown(query.formats, query.structs == "composite", zone, oids)
    )


def _execute(connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> list[Any]:
    connection.execute(sql, values or None)
    description = connection.description
    kinds = [str(each[1]) for each in description]
    if any("INTERVAL" in kind and kind != "INTERVAL" for kind in kinds):
        connection.abort()
        raise Refused("0A000", "an interval inside a list or a struct: cast it to varchar")
    if READ_AS_TEXT.intersection(kinds):
        connection.abort()
        names = ", ".join(f"c{number}" for number in range(len(kinds)))
        read = ", ".join(
            f"c{number}::varchar" if kind in READ_AS_TEXT else f"c{number}"
            for number, kind in enumerate(kinds)
        )
        connection.execute(f"select {read} from (\n{sql}\n) as result({names})", values or None)
    return description


class _TupleResult:
    def __init__(self, connection: duckdb.DuckDBPyConnection, rows: Rows):
        self._connection = connection
        self._rows = rows
        self._step = 64  # rows that are encoded together; it follows the length of the rows
        self._ahead: list[tuple] = []  # the first row of the next fetch: it tells of more

    def columns(self) -> list[dict[str, Any]]:
        return self._rows.columns()

    def fetch(self, count: int) -> tuple[int, bool, bytes]:
        """Return fewer rows than asked for if they are long, so that no message is huge."""
        body, sent = b"", 0
        while sent < count and len(body) < ENOUGH:
            step = min(self._step, count - sent)
            found = self._ahead + self._connection.fetchmany(step + 1 - len(self._ahead))
            rows, self._ahead = found[:step], found[step:]
            encoded = self._rows.encode(rows)
            body = self._rows.separator.join(filter(None, [body, encoded]))
            sent += len(rows)
            if not self._ahead:
                break
            self._step = max(1, min(MOST_ROWS, step * ENOUGH // (2 * len(encoded) + 1)))
        return sent, bool(self._ahead), body


class _ArrowResult:
    """An Arrow IPC stream: its schema, one batch for each fetch, its end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any]):
        self._reader = connection.sql(sql, params=values or None).to_arrow_reader(8192)
        self._buffer = io.BytesIO()
        self._writer = pa.ipc.new_stream(self._buffer, self._reader.schema)

    def columns(self) -> list[dict[str, Any]]:
        return [{"name": each.name, "type": str(each.type)} for each in self._reader.schema]

    def fetch(self, count: int) -> tuple[int, bool, bytes]:
        del count  # batches have a fixed size
        try:
            batch = next(self._reader, None)
        except (OSError, pa.ArrowException) as error:  # Arrow hides the kind of DuckDB's error
            cancelled = "INTERRUPT" in str(error)
            raise Refused("57014" if cancelled else "22000", str(error)) from error
        if batch is None:
            self._writer.close()
        else:
            self._writer.write_batch(batch)
        written = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return (batch.num_rows if batch else 0), batch is not None, written
