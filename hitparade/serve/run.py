"""Run both doors until a signal stops them."""

import asyncio
import contextlib
import signal
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hitparade.serve.audit import Audit
from hitparade.serve.pool import Failed, Pool
from hitparade.serve.postgres.connection import Services
from hitparade.serve.postgres.server import Server
from hitparade.serve.users import Users
from udfs.runtime.reader import file_state

LOOK = 1.0  # seconds between two looks for a newly published file


@dataclass(frozen=True)
class Settings:
    """How the server runs."""

    path: Path
    users: Users
    host: str = "127.0.0.1"
    port: int | None = 5432
    workers: int = 2
    threads: int = 1
    most_memory: int = 4 * 2**30
    connections: int = 100
    structs: str = "json"
    tls: ssl.SSLContext | None = None
    drain: float = 30.0
    audit: TextIO | None = None


async def run(settings: Settings, started: asyncio.Event | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then let statements end.

    Raises:
        Failed: the file cannot be opened.
        OSError: an address is taken.
    """
    audit = Audit(settings.audit)
    pool = Pool(
        settings.path,
        settings.workers,
        settings.threads,
        settings.users.schemas,
        settings.users.memories,
        settings.most_memory,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await pool.start()
        server = Server(
            Services(pool, audit, settings.structs),
            settings.users,
            settings.path.stem,
            settings.tls,
            settings.connections,
        )
        port = await server.start(settings.host, settings.port or 0)
        print(f"PostgreSQL: {settings.host}:{port}, database {settings.path.stem}", flush=True)
        following = asyncio.ensure_future(_follow(pool, settings.path))
        await stop.wait()
        following.cancel()
        await server.stop(settings.drain)
    finally:
        await pool.close()


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
