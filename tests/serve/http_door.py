"""A running HTTP door in this process, for tests."""

import asyncio
import hashlib
import io
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

from hitparade.serve.audit import Audit
from hitparade.serve.http import HttpDoor, HttpSettings, create_app
from hitparade.serve.pool import Pool
from hitparade.serve.users import Users, nobody_asks

LARGE = 4 << 30


class Running:
    """A door, the pool behind it, and the loop that both run in."""

    def __init__(self, database: Path, users: Users, workers: int, settings: HttpSettings):
        self.lines = io.StringIO()
        self.audit = Audit(self.lines)
        self.pool = Pool(database, workers, 1, users.schemas, users.memories, LARGE)
        self.users = users
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self):
        self._thread.start()
        self.do(self._start())

    async def _start(self):
        await self.pool.start()
        app = create_app(self.pool, self.users, self.audit, self._settings)
        self.door = HttpDoor(app, self._settings)
        await self.door.start()

    def stop(self):
        self.do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self):
        await self.door.stop()
        await self.pool.close()

    def do(self, work):
        """The result of a coroutine that runs in the loop of the door."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def port(self):
        return self.door.port

    def audited(self, text):
        """The lines of the audit, when one has a text: it is written after the answer is sent."""
        end = time.monotonic() + 5
        while text not in (lines := self.lines.getvalue()):
            assert time.monotonic() < end, lines
            time.sleep(0.01)
        return lines.splitlines()

    def client(self, **options):
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=120, **options)


@contextmanager
def running(database, users=None, workers=1, **settings):
    """A door of a database file; by default anyone on this machine may ask."""
    made = Running(
        Path(database), users or nobody_asks(), workers, HttpSettings(port=0, **settings)
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def hashed(*tokens):
    """Tokens as users have them."""
    return frozenset(hashlib.sha256(token.encode()).hexdigest() for token in tokens)
