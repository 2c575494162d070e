"""A running `hitparade serve`, for tests."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A server process, and where it listens."""

    process: subprocess.Popen
    port: int
    http: str
    database: str
    user: str = "hitparade"
    password: str | None = None

    def connect(self, **more) -> psycopg.Connection:
        """Return a connection that commits each statement."""
        return psycopg.connect(**self.address(**more), autocommit=True)

    def address(self, **more) -> dict:
        """The keyword arguments of a client."""
        known = {"host": "127.0.0.1", "port": self.port, "user": self.user}
        known |= {"dbname": self.database, "password": self.password}
        return {name: value for name, value in (known | more).items() if value is not None}

    def query(self, sql: str, parameters=None) -> list[tuple]:
        """Return the rows of a statement."""
        with self.connect() as connection:
            return connection.execute(sql, parameters).fetchall()

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(children).read_text().split()]


@contextmanager
def serving(
    database: Path, *options: str, python: str = sys.executable, **environment: str
) -> Iterator[Server]:
    """Start a server on a free port, and stop it at the end."""
    command = [str(Path(python).with_name("hitparade")), "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--http-port", "0", *options],
        env=os.environ | {"HITPARADE_DATABASE": str(database), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Server(process, *_addresses(process), database.stem)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(SECONDS)
        finally:
            process.kill()


def _addresses(process: subprocess.Popen) -> tuple[int, str]:
    """Return PostgreSQL's port and the address of HTTP, which the server prints."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("HTTP: "):
            port = re.search(r"PostgreSQL: .*:(\d+),", printed)
            assert port is not None
            return int(port[1]), line.removeprefix("HTTP: ").removesuffix("/docs\n")
    raise AssertionError(f"the server did not start: {printed}")
