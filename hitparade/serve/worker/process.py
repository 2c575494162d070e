"""Run one statement at a time and hand out its rows as they are asked for."""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from hitparade.serve import frames
from hitparade.serve.postgres import catalog
from hitparade.serve.requests import Query
from hitparade.serve.worker import failures, functions, parameters
from hitparade.serve.worker.database import Database
from hitparade.serve.worker.labels import labels
from hitparade.serve.worker.policy import CATALOG, Parsed, Refused
from hitparade.serve.worker.results import Result, postgres_rows, run

Answer = Iterator[tuple[bytes, bytes]]


class Process:
    """The state of one worker: the opened file, and at most one running statement."""

    def __init__(self, path: Path, threads: int, schemas: list[str], memories: list[str]):
        """Take the published file, and every limit of memory that a query may have."""
        self._databases = {memory: Database(path, memory, threads, schemas) for memory in memories}
        self._lock = threading.Lock()
        self._running: int | None = None  # the id of the statement that can be cancelled
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._cancelled: set[int] = set()
        self._result: Result | None = None
        self._allowed = self._left = 0  # rows that the user may have of this result

    def cancel(self, number: int) -> None:
        """Interrupt a statement, from another thread."""
        with self._lock:
            self._cancelled = {number}
            if self._running == number and self._connection is not None:
                self._connection.interrupt()

    def answer(self, request: dict[str, Any]) -> Answer:
        """Yield the messages that answer one request."""
        try:
            yield from self._steps(request)
        except Exception as error:
            self._finish()
            yield frames.FAILURE, _json(failures.told(error))

    def _steps(self, request: dict[str, Any]) -> Answer:
        match request["do"]:
            case "query":
                yield from self._query(request["id"], Query(**request["query"]), request["fetch"])
            case "fetch":
                yield self._fetch(request["count"])
            case "close":
                self._finish()
                yield frames.DONE, _json({"closed": request.get("id")})
            case "open":
                for database in self._databases.values():
                    database.connection()
                yield frames.DONE, b"{}"
            case "functions":
                yield frames.DONE, self._functions()

    def _functions(self) -> bytes:
        database = next(iter(self._databases.values()))
        connection = database.connection()
        return _json({"file": database.file, **functions.read(connection, database.name)})

    def _query(self, number: int, query: Query, fetch: int) -> Answer:
        database = self._databases[query.memory]
        connection = database.connection()
        self._start(number, connection)
        sql, types = self._rewritten(query, database)
        schemas = frozenset(query.schemas)
        path = database.search_path(query.settings.get("search_path", "main"), schemas)
        parsed = database.checked(sql, schemas, path)
        if query.only_describe:
            yield self._description(connection, sql, parsed, query, types)
            return
        values = parameters.values(query.parameters, parsed, query.oids)
        typed = parameters.typed(sql, parsed, query.oids)
        self._result = run(connection, typed, values, query, parsed, types)
        self._allowed = self._left = query.rows
        yield frames.COLUMNS, _json({"columns": self._result.columns(), "file": database.file})
        if fetch:
            yield self._fetch(fetch)

    def _rewritten(
        self, query: Query, database: Database
    ) -> tuple[str, Sequence[int | None] | None]:
        """Return a statement as DuckDB takes it, and the types of its columns if it tells them."""
        # So that what the policy permits of this database is what `rewrite` has written.
        if CATALOG in query.sql.lower():
            raise Refused("42501", f"{CATALOG} is the server's own: ask pg_catalog")
        session = catalog.Session(
            user=query.user,
            database=database.name,
            pid=query.session,
            settings=query.settings,
        )
        found = catalog.rewrite(query.sql, session)
        return (query.sql, None) if found is None else (found.sql, found.types)

    def _description(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        parsed: Parsed,
        query: Query,
        types: Sequence[int | None] | None,
    ) -> tuple[bytes, bytes]:
        oids = parameters.described(parsed, query.oids)
        typed = parameters.typed(sql, parsed, query.oids)
        relation = connection.sql(typed, params=[None] * len(oids) or None)
        names = labels(parsed.statement, relation.columns)
        rows = postgres_rows(names, relation.types, query, types)
        self._finish()
        return frames.COLUMNS, _json({"columns": rows.columns(), "parameters": oids})

    def _start(self, number: int, connection: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            if number in self._cancelled:
                raise duckdb.InterruptException("cancelled before it began")
            self._running, self._connection = number, connection

    def _fetch(self, count: int) -> tuple[bytes, bytes]:
        """Return up to `count` rows, and whether there are more."""
        if self._result is None:
            raise Refused("34000", "the result was closed")
        found, more, body = self._result.fetch(count)
        self._left -= found
        if self._left < 0:
            raise Refused(
                "54000",
                f"the result has more than {self._allowed} rows, your user's limit: add a LIMIT",
            )
        if not more:
            self._finish()
        return frames.ROWS, frames.ROWS_HEADER.pack(found, more) + body

    def _finish(self) -> None:
        with self._lock:
            connection, self._connection, self._running = self._connection, None, None
        self._result = None
        if connection is not None:
            connection.abort()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
