"""`/health`, `/ready` and `/metrics`."""

import asyncio
import time
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hitparade.serve.http.problems import Problem
from hitparade.serve.http.service import service_of
from hitparade.serve.pool import Failed, Pool

SECONDS = 5.0  # that a worker has to answer
FRESH = 1.0  # seconds that an answer holds: anyone may ask


async def health(request: Request) -> Response:
    """Say that the process lives."""
    return JSONResponse({"status": "alive"})


@dataclass
class Readiness:
    """Asks a worker, at most once a second."""

    pool: Pool
    _file: str = ""
    _failure: Failed | None = None
    _asked: float = -FRESH
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def file(self) -> str:
        """Return the version of the file that a worker has open.

        Raises:
            Failed: no worker answers, or the file cannot be opened.
        """
        async with self._lock:
            if time.monotonic() - self._asked > FRESH:
                await self._ask()
                self._asked = time.monotonic()
        if self._failure is not None:
            raise self._failure
        return self._file

    async def _ask(self) -> None:
        self._failure = None
        try:
            async with asyncio.timeout(SECONDS):
                await self.pool.ping()
            self._file = self.pool.file()
        except TimeoutError:
            self._failure = Failed("53300", f"no worker answered in {SECONDS:.0f} seconds")
        except OSError as error:
            self._failure = Failed("58030", f"the file cannot be read: {error.strerror}")
        except Failed as error:
            self._failure = error


async def ready(request: Request) -> Response:
    """Say whether a worker answers, and from which file."""
    try:
        file = await request.app.state.readiness.file()
    except Failed as error:
        raise Problem(503, str(error), sqlstate=error.sqlstate) from error
    return JSONResponse({"status": "ready", "file": file})


async def metrics(request: Request) -> Response:
    """Return the numbers for Prometheus."""
    service = service_of(request)
    await service.gate.user(request)
    return Response(generate_latest(service.audit.registry), media_type=CONTENT_TYPE_LATEST)
