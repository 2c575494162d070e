"""Listen for HTTP with uvicorn, beside whatever else runs in the event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from hitparade.serve.http.service import DOOR, Service
from hitparade.serve.http.settings import HttpSettings


class HttpDoor:
    """A running HTTP server.

    door = HttpDoor(create_app(pool, users, audit, settings), settings)
    await door.start()
    ...
    await door.stop()
    """

    def __init__(self, app: FastAPI, settings: HttpSettings):
        """Take the application, and where to listen."""
        self._settings = settings
        self._server = _Server(_config(app, settings))
        self._serving: asyncio.Task[None] | None = None
        self.port = settings.port
        service: Service = app.state.service
        connections = self._server.server_state.connections
        service.audit.connections.labels(DOOR).set_function(lambda: len(connections))

    async def start(self) -> None:
        """Listen, and return when clients can connect.

        Raises:
            OSError: the address cannot be used.
        """
        self._server.config.load()
        self._server.config.ssl = self._settings.tls
        listening = _listening(self._settings)
        self.port = listening.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([listening]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(0.01)
        if self._serving.done():
            self._serving.result()

    async def stop(self) -> None:
        """Take no new connections, and return when running requests have their answers."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving


class _Server(uvicorn.Server):
    """A server that leaves signals to the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: FastAPI, settings: HttpSettings) -> uvicorn.Config:
    stated = type("Timed", (_Timed,), {"settings": settings})
    return uvicorn.Config(
        app,
        http=stated,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.connections,
        timeout_keep_alive=max(1, round(settings.idle_seconds)),
        timeout_graceful_shutdown=round(settings.drain_seconds),
        h11_max_incomplete_event_size=settings.headers,
    )


def _listening(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sends small answers at once (TCP_NODELAY) only if the socket names its protocol.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(settings.connections)
    except OSError:
        listening.close()
        raise
    return listening


class _Timed(H11Protocol):
    """uvicorn's protocol, with a limit for the time of headers and of unread answers.

    uvicorn itself waits for ever for the end of headers, and for a client that does not read.
    """

    settings: HttpSettings

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect headers from now on."""
        self._headers: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Expect the rest of the headers, or have all of them."""
        was_busy = self._is_busy()
        super().data_received(data)
        if self._is_busy():
            _cancel(self._headers)
            self._headers = None
        elif not was_busy:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        _cancel(self._headers)
        self._headers = None
        _cancel(self._stalled)
        self._stalled = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Expect the client to read."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self._later(self.settings.stalled_seconds)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        _cancel(self._stalled)
        self._stalled = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also if the end of its last answer is not read."""
        super().timeout_keep_alive_handler()
        self._later(self.settings.stalled_seconds)

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_headers(self) -> None:
        if self._headers is None:
            self._headers = self._later(self.settings.header_seconds)

    def _later(self, seconds: float) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, self._abort)

    def _abort(self, *_: Any) -> None:
        self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
