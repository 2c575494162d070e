"""Send the rows of a statement while they are computed, and stop when nobody reads them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hitparade.serve.audit import Entry
from hitparade.serve.pool import FETCH, Answer, Chunk, Failed

log = logging.getLogger(__name__)

PATIENCE = 0.1  # seconds after which the server looks whether the client is still there
Result = TypeVar("Result")


class GoneError(Exception):
    """The client has closed its connection."""


async def while_here(receive: Receive, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return a statement when it has begun, or cancel it when the client goes away.

    Raises:
        GoneError: the client has gone.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=PATIENCE)
        if task.done():
            return task.result()
        async with _watched(receive) as gone:
            return await _before(gone, task)
    finally:
        await _ended(task)


@asynccontextmanager
async def _watched(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """Give a task that ends when the client has gone."""
    gone = asyncio.create_task(_gone(receive))
    try:
        yield gone
    finally:
        await _ended(gone)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _before(gone: asyncio.Task[None], task: asyncio.Task[Result]) -> Result:
    """Return the result of a task; leave nothing of it running if the client goes first."""
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise GoneError
        return task.result()
    finally:
        await _ended(task)


async def _ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end: until then it reads what others would read."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


@dataclass(frozen=True)
class Body:
    """How rows become a body."""

    media_type: str
    encode: Callable[[Chunk], bytes]
    head: bytes = b""
    separator: bytes = b""
    tail: Callable[[], bytes] = bytes


class Streamed(Response):
    """The answer to a statement.

    If the statement fails after the first rows were sent, the connection ends without the end of
    the body, so a client notices that rows are missing.
    """

    def __init__(self, answer: Answer, entry: Entry, body: Body, stack: ExitStack):
        """Take a statement that has begun, and what must be left when it has ended."""
        super().__init__(media_type=body.media_type)
        del self.headers["content-length"]
        self._answer, self._entry, self._body, self._stack = answer, entry, body, stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the rows."""
        try:
            with self._stack:
                try:
                    await self._send(receive, send)
                finally:
                    await self._answer.close()
        except Failed as error:  # the server closes the connection of a body without an end
            log.warning("an answer broke off: %s", error)
        except GoneError:
            pass

    async def _send(self, receive: Receive, send: Send) -> None:
        chunk = self._answer.first
        assert chunk is not None
        text = self._body.head + self._encoded(chunk)
        if not chunk.more:
            text += self._body.tail()
            self.headers["content-length"] = str(len(text))
        await send(self._start())
        if chunk.more:
            text = await self._send_rest(text, receive, send)
        await send({"type": "http.response.body", "body": text, "more_body": False})

    async def _send_rest(self, text: bytes, receive: Receive, send: Send) -> bytes:
        """Send all but the last part of the body, and return that."""
        async with _watched(receive) as gone:
            more = True
            while more:
                await send({"type": "http.response.body", "body": text, "more_body": True})
                if gone.done():  # nothing tells `send` that nobody reads
                    raise GoneError
                fetching = asyncio.create_task(self._answer.fetch(FETCH))
                chunk = await _before(gone, fetching)
                text = self._encoded(chunk)
                text = self._body.separator + text if chunk.rows else text
                more = chunk.more
        return text + self._body.tail()

    def _encoded(self, chunk: Chunk) -> bytes:
        self._entry.rows += chunk.rows
        return self._body.encode(chunk)

    def _start(self) -> dict[str, Any]:
        return {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
