"""`python -m benchmarks serve`: how fast the HTTP door answers."""

import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks import BenchError

SERVER = Path(__file__).with_name("http_server.py")
RATE = 200  # requests a second
CONNECTIONS = 16
LONGEST = 16 * 1024 * 1024  # bytes of an answer
SONG = {"danceability": 0.71, "energy": 0.83, "valence": 0.52, "tempo": 124}
Load = Coroutine[None, None, list[float]]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the processes of the server and of its workers."""

    port: int
    pids: list[int]

    def cpu_seconds(self) -> float:
        """Return the CPU time that all processes have used."""
        return sum(map(_cpu_seconds, self.pids))


def run(database: Path, seconds: int, console: Console | None = None) -> list[dict]:
    """Ask predict_hit over HTTP.

    Args:
        database: a finished warehouse.
        seconds: to keep up the rate of requests.
        console: shows the progress; None shows nothing.

    Returns:
        A row for each kind of load `what`: the number of `requests`, `per_second`, the
        milliseconds `median_ms` and `p99_ms` until the answer, and `cpu_ms` of the server and its
        workers for each request.

    Raises:
        BenchError: the server does not start, or an answer is wrong.
    """
    say = console or Console(quiet=True)
    one = _request("predict_hit", SONG)
    loads: dict[str, Callable[[int], Load]] = {
        "one client, 1 row": lambda port: _one_by_one(port, one, 500),
        "one client, 1 row, check=true": lambda port: _one_by_one(
            port, _request("predict_hit?check=true", SONG), 100
        ),
        "one client, 10,000 rows": lambda port: _one_by_one(
            port, _request("predict_hit", [SONG] * 10_000), 10
        ),
        f"{RATE} requests a second": lambda port: _at_rate(port, one, seconds),
        f"{CONNECTIONS} clients, without pause": lambda port: _at_once(port, one, seconds),
    }
    with say.status("starting the server") as status, _server(database) as server:
        rows = []
        for what, load in loads.items():
            status.update(what)
            rows.append(_row(what, server, load))
    return rows


def _row(what: str, server: Server, load: Callable[[int], Load]) -> dict:
    asyncio.run(_one_by_one(server.port, _request("predict_hit", SONG), 20))  # both workers warm
    used, began = server.cpu_seconds(), time.perf_counter()
    times = asyncio.run(load(server.port))
    took, used = time.perf_counter() - began, server.cpu_seconds() - used
    return {
        "what": what,
        "requests": len(times),
        "per_second": len(times) / took,
        "median_ms": 1000 * statistics.median(times),
        "p99_ms": 1000 * sorted(times)[int(0.99 * len(times))],
        "cpu_ms": 1000 * used / len(times),
    }


@contextmanager
def _server(database: Path) -> Iterator[Server]:
    command = [sys.executable, str(SERVER), str(database)]
    environment = os.environ | {"PYTHONPATH": str(SERVER.parents[1])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        told = process.stdout.readline().split()
        if not told:
            raise BenchError("the server did not start: run `hitparade build` first")
        try:
            yield Server(int(told[0]), [process.pid, *map(int, told[1:])])
        finally:
            process.stdin.close()


def _cpu_seconds(pid: int) -> float:
    if not Path("/proc").is_dir():
        return float("nan")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _request(path: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    head = (
        f"POST /predict/{path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


class _Client:
    """A connection that stays open. A client's library would cost more than the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> "_Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=LONGEST))

    async def ask(self, request: bytes) -> float:
        """Return the seconds until the whole answer is here."""
        began = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length: " in head:
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await self._reader.readexactly(int(length))
        else:
            await self._reader.readuntil(b"\r\n0\r\n\r\n")
        if not head.startswith(b"http/1.1 200"):
            raise BenchError(f"the server answered {head.splitlines()[0].decode()}")
        return time.perf_counter() - began

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def _one_by_one(port: int, request: bytes, count: int) -> list[float]:
    client = await _Client.connect(port)
    times = [await client.ask(request) for _ in range(count)]
    await client.close()
    return times


async def _at_rate(port: int, request: bytes, seconds: int) -> list[float]:
    """Send requests at fixed times, whether or not others were answered.

    A time begins when the request should have been sent, so a server that falls behind shows.
    """
    idle: asyncio.Queue[_Client] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await _Client.connect(port))
    began = time.perf_counter()

    async def one(planned: float) -> float:
        client = await idle.get()
        await client.ask(request)
        idle.put_nowait(client)
        return time.perf_counter() - planned

    running = []
    for number in range(RATE * seconds):
        planned = began + number / RATE
        await asyncio.sleep(planned - time.perf_counter())
        running.append(asyncio.create_task(one(planned)))
    times = await asyncio.gather(*running)
    while not idle.empty():
        await idle.get_nowait().close()
    return times


async def _at_once(port: int, request: bytes, seconds: int) -> list[float]:
    until = time.perf_counter() + seconds

    async def one() -> list[float]:
        client, times = await _Client.connect(port), []
        while time.perf_counter() < until:
            times.append(await client.ask(request))
        await client.close()
        return times

    return list(itertools.chain(*await asyncio.gather(*(one() for _ in range(CONNECTIONS)))))
