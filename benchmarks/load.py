"""Many PostgreSQL clients of `hitparade serve`, while files are published and workers are killed.

Every row that a client gets is compared with what the file itself answers.
"""

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import duckdb
import psycopg

import udfs
from benchmarks import BenchError

EVERY = 20.0  # seconds between two published files
FEW = 20  # rows of a statement
QUERY = f"""
    select track_id, predict_hit(t) from dim_tracks t
    where track_id >= %s order by track_id limit {FEW}
"""
START = 30.0  # seconds until memory is looked at: every worker has then answered
CLOSE_ENOUGH = 1e-9


@dataclass
class Outcome:
    """What the clients saw."""

    statements: int = 0
    wrong: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    published: int = 0


def run(database: Path, clients: int, minutes: float, workers: int) -> dict[str, float | int | str]:
    """Return what a load of this many clients found.

    Raises:
        BenchError: the server does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / database.name
        shutil.copy(database, path)
        with _server(path, workers) as (process, port):
            outcome = _loaded(process, port, path, clients, 60 * minutes)
    half = len(outcome.memory) // 2
    return {
        "clients": clients,
        "minutes": minutes,
        "published files": outcome.published,
        "statements": outcome.statements,
        "statements a second": round(outcome.statements / (60 * minutes)),
        "wrong rows": outcome.wrong,
        "failed statements": len(outcome.failures),
        "first failure": outcome.failures[0] if outcome.failures else "",
        "median ms": round(1000 * median(outcome.seconds), 1),
        "99% below ms": round(1000 * sorted(outcome.seconds)[int(0.99 * len(outcome.seconds))], 1),
        "MB at first": round(max(outcome.memory[:half]) / 1e6),
        "MB at last": round(max(outcome.memory[half:]) / 1e6),
    }


@contextmanager
def _server(path: Path, workers: int) -> Iterator[tuple[subprocess.Popen, int]]:
    command = [
        str(Path(sys.executable).with_name("hitparade")),
        "serve",
        "--port",
        "0",
        "--no-http",
    ]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        env=os.environ | {"HITPARADE_DATABASE": str(path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+),", process.stdout.readline())
        if found is None:
            raise BenchError("the server did not start")
        yield process, int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _loaded(
    process: subprocess.Popen, port: int, path: Path, clients: int, seconds: float
) -> Outcome:
    expected, outcome, lock = _expected(path), Outcome(), threading.Lock()
    stop = threading.Event()

    def ask(number: int) -> None:
        address = f"host=127.0.0.1 port={port} user=load dbname={path.stem}"
        keys = list(expected)
        with psycopg.connect(address, autocommit=True) as client:
            while not stop.is_set():
                number = (number * 1103515245 + 12345) % 2**31
                _one(client, keys[number % len(keys)], expected, outcome, lock)

    with ThreadPoolExecutor(clients) as threads:
        asked = [threads.submit(ask, number) for number in range(clients)]
        began = last = time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            time.sleep(1)
            if now - last >= EVERY:
                _publish(path)
                outcome.published, last = outcome.published + 1, now
            if now - began > min(START, seconds / 4):
                outcome.memory.append(_memory(process.pid))
        stop.set()
        for each in asked:
            if error := each.exception():
                outcome.failures.append(f"a client ended: {error}")
    return outcome


def _expected(path: Path) -> dict[str, float | None]:
    with duckdb.connect(path, read_only=True) as connection:
        udfs.register(connection)
        rows = connection.execute(
            "select track_id, predict_hit(t) from dim_tracks t order by track_id"
        ).fetchall()
    return dict(rows)


def _one(
    client: psycopg.Connection,
    key: str,
    expected: dict[str, float | None],
    outcome: Outcome,
    lock: threading.Lock,
) -> None:
    began = time.perf_counter()
    failure, rows = "", []
    try:
        rows = client.execute(QUERY, (key,)).fetchall()
    except psycopg.Error as error:
        failure = str(error)
    taken = time.perf_counter() - began
    wrong = sum(not _same(expected[name], hit) for name, hit in rows)
    if not failure and (not rows or rows[0][0] != key):
        wrong += 1
    with lock:
        outcome.statements += 1
        outcome.wrong += wrong
        outcome.seconds.append(taken)
        if failure:
            outcome.failures.append(failure)


def _same(expected: float | None, found: float | None) -> bool:
    if expected is None or found is None:  # a track with a missing input has no prediction
        return expected is found
    return math.isclose(expected, found, rel_tol=CLOSE_ENOUGH)


def _publish(path: Path) -> None:
    """Replace the file by a copy of itself, as `hitparade publish` replaces it by another."""
    new = path.with_suffix(".new")
    shutil.copy(path, new)
    os.replace(new, path)


def _memory(pid: int) -> int:
    """Return the bytes of memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = 0
    for each in (str(pid), *children):
        try:
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except OSError:  # it has just ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")
