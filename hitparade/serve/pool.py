"""The worker processes, and the statements that run in them."""

import asyncio
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitparade.serve import frames
from hitparade.serve.requests import Query
from hitparade.serve.versions import version_of

log = logging.getLogger(__name__)

WORKER = "hitparade.serve.worker"
GRACE = 5.0  # seconds that a cancelled statement has to end before its process is killed
NOTICED = 0.05  # seconds until the end of every other process that was killed is known too
WAIT = 30.0  # seconds that a statement waits for a process
OPENING = 60.0  # seconds that a worker has to open a file
PAUSE = 1.0  # seconds until another try to start a process
FETCH = 1000  # rows in one message


class Failed(Exception):
    """A statement that failed, with its SQLSTATE."""

    def __init__(self, sqlstate: str, message: str):
        """Take PostgreSQL's five characters and a sentence for the user."""
        super().__init__(message)
        self.sqlstate = sqlstate


class WorkerDied(Failed):
    """The process of a statement ended."""

    def __init__(self) -> None:
        """Tell the user what to do."""
        super().__init__("58000", "the process that ran this statement ended: run it again")


class Worker:
    """One process, and the socket to it."""

    def __init__(
        self,
        process: subprocess.Popen,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ):
        """Take a started process."""
        self.process = process
        self._reader, self._writer = reader, writer
        self._ended = False

    @classmethod
    async def start(cls, config: dict[str, Any]) -> "Worker":
        """Start a process; it opens the file with its first request."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", WORKER, str(theirs.fileno()), json.dumps(config)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # The server alone answers the terminal's Ctrl-C: it lets statements end.
                start_new_session=True,
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    async def send(self, kind: bytes, message: dict[str, Any]) -> None:
        """Send one message.

        Raises:
            WorkerDied: the process has ended.
        """
        try:
            self._writer.write(frames.frame(kind, json.dumps(message).encode()))
            await self._writer.drain()
        except ConnectionError as error:
            self._ended = True
            raise WorkerDied from error

    async def read(self) -> tuple[bytes, bytes]:
        """Return the kind and the payload of the next message.

        Raises:
            WorkerDied: the process has ended.
        """
        try:
            header = await self._reader.readexactly(frames.HEADER.size)
            kind, length = frames.HEADER.unpack(header)
            return kind, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self._ended = True
            raise WorkerDied from error

    def alive(self) -> bool:
        """Return whether the process runs."""
        return not (self._ended or self._reader.at_eof()) and self.process.poll() is None

    def resident(self) -> int:
        """Return the bytes of memory that the process holds, or 0 where it cannot be read."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """End the process now."""
        self._ended = True
        self._writer.close()
        self.process.kill()

    async def ended(self) -> None:
        """Wait until a killed process is gone."""
        await asyncio.to_thread(self.process.wait)


def _failure(payload: bytes) -> Failed:
    told = json.loads(payload)
    return Failed(told["sqlstate"], told["message"])


@dataclass(frozen=True)
class Chunk:
    """Some rows of an answer, encoded."""

    rows: int
    more: bool
    body: bytes


class Answer:
    """A running statement. It holds a worker until its last row, or until `close()`."""

    def __init__(self, pool: "Pool", worker: Worker, number: int, seconds: float, left: float):
        """Take the worker that runs the statement, the seconds it may take, and those left.

        The time in which the client does not ask for rows is not the statement's.
        """
        self._pool, self._worker, self._number = pool, worker, number
        self._seconds, self._left = seconds, left
        self._held = True
        self._abandoned = False  # whether another task ends the statement and frees the worker
        self.columns: list[dict[str, Any]] = []
        self.parameters: list[int] = []
        self.file = ""
        """Which file answers: see `Pool.file`."""
        self.first: Chunk | None = None
        """The rows that came with the columns."""

    async def fetch(self, count: int) -> Chunk:
        """Return the next rows.

        Raises:
            Failed: the statement failed, was cancelled, or took too long.
        """
        return self._chunk(await self._ask({"do": "fetch", "count": count}))

    async def begin(self, query: Query, fetch: int) -> None:
        """Start the statement and read its columns, and its first rows if `fetch` is above 0."""
        message = {"do": "query", "id": self._number, "query": query.as_dict(), "fetch": fetch}
        told = json.loads(await self._ask(message))
        self.columns, self.parameters = told["columns"], told.get("parameters", [])
        self.file = told.get("file", "")
        if query.only_describe:
            self._release()
        elif fetch:
            self.first = self._chunk(await self._answered())

    async def functions(self) -> dict[str, Any]:
        """Return what the file tells of its functions, instead of running a statement."""
        told = json.loads(await self._ask({"do": "functions"}))
        self._release()
        return told

    async def close(self) -> None:
        """End the statement and give the worker back. Closing twice does nothing."""
        if self._held and not self._abandoned:
            self._left = max(self._left, GRACE)  # ending a statement is not a part of it
            await self._ask({"do": "close"})
            self._release()

    def _chunk(self, payload: bytes) -> Chunk:
        rows, more = frames.ROWS_HEADER.unpack_from(payload)
        if not more:
            self._release()
        return Chunk(rows, more, payload[frames.ROWS_HEADER.size :])

    async def _ask(self, message: dict[str, Any]) -> bytes:
        try:
            await self._worker.send(frames.REQUEST, message)
        except asyncio.CancelledError:  # the client has gone while a large message was sent
            self._abandon(asyncio.ensure_future(self._worker.read()))
            raise
        except BaseException:
            self._give_up()
            raise
        return await self._answered()

    async def _answered(self) -> bytes:
        reading = asyncio.ensure_future(self._worker.read())
        began = time.monotonic()
        try:
            await asyncio.wait({reading}, timeout=max(0, self._left))
        except asyncio.CancelledError:  # the client has gone
            self._abandon(reading)
            raise
        self._left -= time.monotonic() - began
        if not reading.done():
            # Shielded: a client that goes away now must not leave the worker half read.
            await asyncio.shield(self._abandon(reading))
            raise Failed(
                "57014",
                f"canceling statement due to statement timeout ({self._seconds:g} seconds)",
            )
        try:
            kind, payload = reading.result()
        except BaseException:
            self._give_up()
            raise
        if kind == frames.FAILURE:
            self._release()
            raise _failure(payload)
        return payload

    def _give_up(self) -> None:
        """Give back a worker in an unknown state: it is replaced."""
        self._worker.kill()
        self._release()

    def _abandon(self, reading: asyncio.Future) -> asyncio.Task[None]:
        """Let another task end the statement and free the worker."""
        self._abandoned = True
        return self._pool.later(self._ended(reading))

    async def _ended(self, reading: asyncio.Future) -> None:
        """Cancel the statement; kill its process if that does not help.

        The worker may have sent several messages already. What is read up to the answer to this
        close, which says its number, belongs to no later statement.
        """
        last = json.dumps({"closed": -self._number}).encode()
        try:
            await self._worker.send(frames.CANCEL, {"id": self._number})
            await self._worker.send(frames.REQUEST, {"do": "close", "id": -self._number})
            async with asyncio.timeout(GRACE):
                message = await asyncio.shield(reading)
                while message != (frames.DONE, last):
                    message = await self._worker.read()
        except (TimeoutError, WorkerDied):
            self._worker.kill()
            reading.cancel()
        self._release()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._pool.release(self._worker)


class Pool:
    """A fixed number of workers. One that ends is replaced."""

    def __init__(
        self,
        path: Path,
        size: int,
        threads: int,
        schemas: list[str],
        memories: list[str],
        most: int,
    ):
        """Take the published file.

        Args:
            path: of the file.
            size: the number of processes, so also of statements at the same time.
            threads: of DuckDB in each.
            schemas: every schema that some user may read.
            memories: every limit of DuckDB's memory that some user has.
            most: bytes of memory after which a worker is replaced when its statement has ended.
        """
        self._config = {
            "path": str(path),
            "threads": threads,
            "schemas": schemas,
            "memories": memories,
        }
        self._size, self._most = size, most
        self._path = path
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._workers: set[Worker] = set()
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task] = set()
        self._closed = False
        self.replaced = 0
        """How many workers have ended and were replaced."""

    async def start(self) -> None:
        """Start the workers, and wait until each has opened the file.

        Raises:
            Failed: the file cannot be opened.
        """
        workers = [await self._started() for _ in range(self._size)]
        await asyncio.gather(*(self._open(worker) for worker in workers))
        for worker in workers:
            self._idle.put_nowait(worker)

    async def refresh(self) -> None:
        """Let idle workers open the newest file, so that the next statement need not wait.

        Raises:
            Failed: the file cannot be opened.
        """
        idle = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        opened = (self._refreshed(worker) for worker in idle)
        for outcome in await asyncio.gather(*opened, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def ping(self) -> None:
        """Let one worker open the newest file.

        Raises:
            Failed: the file cannot be opened, or every worker is busy.
        """
        await asyncio.shield(self.later(self._refreshed(await self._lease(WAIT))))

    async def _refreshed(self, worker: Worker) -> None:
        try:
            await self._open(worker)
        finally:
            self.release(worker)

    async def _open(self, worker: Worker) -> None:
        try:
            async with asyncio.timeout(OPENING):
                await worker.send(frames.REQUEST, {"do": "open"})
                kind, payload = await worker.read()
        except TimeoutError as error:
            worker.kill()
            raise WorkerDied from error
        if kind == frames.FAILURE:
            raise _failure(payload)

    async def run(self, query: Query, seconds: float, fetch: int = FETCH) -> Answer:
        """Start a statement.

        A worker that ends before it has answered is replaced, and the statement starts once more:
        it only reads, so it cannot have changed anything.

        Raises:
            Failed: the statement cannot run, or every worker is busy.
        """
        try:
            return await self._run(query, seconds, fetch)
        except WorkerDied:
            await asyncio.sleep(NOTICED)
            return await self._run(query, seconds, fetch)

    async def _run(self, query: Query, seconds: float, fetch: int) -> Answer:
        answer = await self._begun(seconds)
        await answer.begin(query, fetch)
        return answer

    async def _begun(self, seconds: float) -> Answer:
        began = time.monotonic()
        worker = await self._lease(min(WAIT, seconds))
        left = seconds - (time.monotonic() - began)
        return Answer(self, worker, next(self._numbers), seconds, left)

    async def functions(self) -> dict[str, Any]:
        """Return what the newest file tells of its functions: see `worker/functions.py`.

        Raises:
            Failed: the file cannot be read, or every worker is busy.
        """
        try:
            return await (await self._begun(WAIT)).functions()
        except WorkerDied:
            return await (await self._begun(WAIT)).functions()

    def file(self) -> str:
        """Return the version of the published file.

        Raises:
            OSError: the file does not exist.
        """
        return version_of(self._path)

    def size(self) -> int:
        """Return how many statements can run at the same time."""
        return self._size

    async def _lease(self, seconds: float) -> Worker:
        try:
            async with asyncio.timeout(seconds):
                while not (worker := await self._idle.get()).alive():
                    self.release(worker)  # it ended while it had nothing to do
                return worker
        except TimeoutError as error:
            raise Failed(
                "53300", f"no worker was free in {seconds:.0f} seconds: try again later"
            ) from error

    def release(self, worker: Worker) -> None:
        """Take a worker back, or replace one that has ended or grown too large."""
        if self._closed:
            return
        if worker.alive() and worker.resident() <= self._most:
            self._idle.put_nowait(worker)
        else:
            self.later(self._replace(worker))

    async def _replace(self, worker: Worker) -> None:
        self.replaced += 1
        self._workers.discard(worker)
        worker.kill()
        await worker.ended()
        started = await self._restarted()
        try:
            await self._open(started)
        except Failed as error:  # the next statement tells its user
            log.warning("a new worker cannot open the file: %s", error)
        self.release(started)

    async def _restarted(self) -> Worker:
        """Start a worker, however long it takes until the machine has room for it."""
        while True:
            try:
                return await self._started()
            except OSError as error:  # too many processes, or too little memory
                log.warning("a worker cannot be started: %s", error)
                await asyncio.sleep(PAUSE)

    async def _started(self) -> Worker:
        worker = await Worker.start(self._config)
        self._workers.add(worker)
        return worker

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the current task, and keep hold of it until it is done."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, Failed):
            log.error("an unexpected error beside the statements", exc_info=error)

    def busy(self) -> int:
        """Return how many statements run."""
        return self._size - self._idle.qsize()

    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    async def close(self) -> None:
        """End every worker."""
        self._closed = True
        for worker in self._workers:
            worker.kill()
            await worker.ended()
