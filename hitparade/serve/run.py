"""Run both doors until a signal stops them."""

import asyncio
import contextlib
import decimal
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hitparade.serve.audit import Audit
from hitparade.serve.http import HttpDoor, HttpSettings, create_app
from hitparade.serve.pool import Failed, Pool
from hitparade.serve.postgres.connection import Services
from hitparade.serve.postgres.server import Server
from hitparade.serve.users import Users
from udfs.runtime.reader import file_state

LOOK = 1.0  # seconds between two looks for a newly published file


@dataclass(frozen=True)
class Settings:
    """How the server runs.

    Attributes:
        path: the published file.
        users: who may ask.
        host: the address that both doors listen on.
        port: of PostgreSQL clients; 0 takes a free one.
        http_port: of HTTP clients; 0 takes a free one, None opens no such door.
        workers: processes that run statements.
        threads: of DuckDB in each of them.
        most_memory: bytes after which a process is replaced, between two statements.
        connections: PostgreSQL clients at the same time.
        structs: how PostgreSQL clients see structs, `json` or `composite`.
        tls: certificate and key; None for no encryption.
        drain: seconds that statements have to end when the server stops.
        audit: what gets a line for each statement; None for nothing.
        functions: the folder udfs/functions of the project, which describes its functions.
    """

    path: Path
    users: Users
    host: str
    port: int
    http_port: int | None
    workers: int
    threads: int
    most_memory: int
    connections: int
    structs: str
    tls: ssl.SSLContext | None
    drain: float
    audit: TextIO | None
    functions: Path | None


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then let statements end.

    Raises:
        Failed: the file cannot be opened.
        OSError: an address is taken.
    """
    # Binary parameters are read with this precision; a numeric has up to 1,000 digits.
    decimal.getcontext().prec = 1000
    users = settings.users
    pool = Pool(
        settings.path,
        settings.workers,
        settings.threads,
        users.schemas,
        users.memories,
        settings.most_memory,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await pool.start()
        async with _doors(settings, pool, Audit(settings.audit)):
            following = asyncio.create_task(_follow(pool, settings.path))
            await stop.wait()
            following.cancel()
    finally:
        await pool.close()


@contextlib.asynccontextmanager
async def _doors(settings: Settings, pool: Pool, audit: Audit) -> AsyncIterator[None]:
    """Open the doors, say where they are, and close both at the same time."""
    services = Services(pool, audit, settings.structs)
    name = settings.path.stem
    server = Server(services, settings.users, name, settings.tls, settings.connections)
    with _named("--port"):
        port = await server.start(settings.host, settings.port)
    print(f"PostgreSQL: {settings.host}:{port}, database {name}", flush=True)
    door = await _http(settings, pool, audit)
    try:
        yield
    finally:
        stops = [server.stop(settings.drain), *([door.stop()] if door else [])]
        await asyncio.gather(*stops)


async def _http(settings: Settings, pool: Pool, audit: Audit) -> HttpDoor | None:
    if settings.http_port is None:
        return None
    given = HttpSettings(
        host=settings.host,
        port=settings.http_port,
        tls=settings.tls,
        functions=settings.functions,
        drain_seconds=settings.drain,
    )
    door = HttpDoor(create_app(pool, settings.users, audit, given), given)
    with _named("--http-port"):
        await door.start()
    scheme = "https" if settings.tls else "http"
    print(f"HTTP: {scheme}://{settings.host}:{door.port}/docs", flush=True)
    return door


@contextlib.contextmanager
def _named(option: str) -> Iterator[None]:
    """Name the option that chooses another port, if this one cannot be used."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{error}: choose another port by {option}") from error


async def _follow(pool: Pool, path: Path) -> None:
    """Let idle workers open a newly published file before a statement needs it."""
    known = file_state(path)
    while True:
        await asyncio.sleep(LOOK)
        with contextlib.suppress(OSError):
            if (state := file_state(path)) != known:
                known = state
                try:
                    await pool.refresh()
                except Failed as error:
                    print(f"the file cannot be opened: {error}", file=sys.stderr)
