"""One line of JSON for each statement, and the numbers of Prometheus."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hitparade.serve.pool import Failed
from hitparade.serve.users import User

# Statements take 1 ms to minutes.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
NO_ERROR = "00000"
CANCELLED = "57014"


@dataclass
class Entry:
    """What is written of one statement, when it has ended."""

    user: str
    door: str
    client: str
    sql: str
    parameters: int = 0
    rows: int = 0
    error: str | None = None
    began: float = field(default_factory=time.perf_counter)

    def failed(self, error: BaseException) -> None:
        """Note why the statement did not end well."""
        self.error = error.sqlstate if isinstance(error, Failed) else CANCELLED

    def line(self, seconds: float) -> dict[str, Any]:
        """Return the fields of the line. Values of parameters are never written."""
        began = time.gmtime(time.time() - seconds)
        return {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", began),
            "user": self.user,
            "door": self.door,
            "client": self.client,
            "sql": self.sql,
            "parameters": self.parameters,
            "rows": self.rows,
            "milliseconds": round(1000 * seconds, 1),
            "error": self.error,
        }


class Audit:
    """Writes a line for each statement and counts it."""

    def __init__(self, stream: TextIO | None):
        """Take where lines go; None writes none."""
        self._stream = stream
        self.registry = CollectorRegistry()
        self.statements = Counter(
            "hitparade_statements",
            "Statements that ended, by door, user and SQLSTATE (00000: no error)",
            ("door", "user", "sqlstate"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "hitparade_statement_seconds",
            "Time of a statement until its last row",
            ("door",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.connections = Gauge(
            "hitparade_connections", "Open connections", ("door",), registry=self.registry
        )

    @contextmanager
    def statement(
        self, user: User, door: str, client: str, sql: str, parameters: int = 0
    ) -> Iterator[Entry]:
        """Time a statement and write its line, also if it fails."""
        entry = Entry(user.name, door, client, sql, parameters)
        try:
            yield entry
        except BaseException as error:
            entry.failed(error)
            raise
        finally:
            self.write(entry)

    def write(self, entry: Entry) -> None:
        """Write the line of a statement that has ended, and count it."""
        seconds = time.perf_counter() - entry.began
        self.statements.labels(entry.door, entry.user, entry.error or NO_ERROR).inc()
        self.seconds.labels(entry.door).observe(seconds)
        if self._stream is not None:
            print(json.dumps(entry.line(seconds)), file=self._stream, flush=True)
