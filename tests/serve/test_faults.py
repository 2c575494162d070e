"""Killed workers, published files and a server that stops: no client gets a wrong answer."""

import asyncio
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import duckdb
import psycopg
import pytest

from tests.serve.server import SECONDS, serving

pytestmark = pytest.mark.slow  # most start a server of their own
SLOW = "select count(*) from range(10000000) a(i), range(10000000) b(j) where i + j = -1"
SOON = "select pg_sleep(1), 42"


@pytest.fixture
def served(small_copy):
    """A server of a copy, and the copy."""
    with serving(small_copy.database, "--workers", "2", "--drain", "20") as running:
        yield running, small_copy


def test_a_killed_worker_is_replaced_and_costs_no_idle_client_its_connection(served):
    server, _ = served
    clients = [server.connect() for _ in range(6)]
    before = server.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert [client.execute("select 1").fetchone() for client in clients] == [(1,)] * 6
    assert not set(before) & set(server.workers())
    for client in clients:
        client.close()


def test_a_worker_killed_in_a_statement_costs_that_statement_at_most(served):
    server, _ = served
    with ThreadPoolExecutor() as threads, server.connect() as one, server.connect() as other:
        slow = threads.submit(one.execute, SLOW)
        time.sleep(0.5)
        for _ in range(2):  # it is tried again once
            busy = max(server.workers(), key=_processor_time)
            os.kill(busy, signal.SIGKILL)
            time.sleep(4)
            assert other.execute("select 1").fetchone() == (1,)
        error = slow.exception(SECONDS)
        assert isinstance(error, psycopg.Error)
        assert "run it again" in str(error)
        assert one.execute("select 1").fetchone() == (1,)


def _processor_time(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_published_file_answers_the_next_statement_of_an_open_connection(served):
    server, copy = served
    with server.connect() as client:
        before = client.execute("select count(*) from ml.promotions").fetchone()[0]
        _publish(copy, "delete from ml.promotions")
        assert client.execute("select count(*) from ml.promotions").fetchone() == (0,)
        assert before > 0


def test_a_prepared_statement_with_other_columns_is_prepared_again(served):
    """asyncpg keeps the columns that it was told of; it must not read others by them."""
    server, copy = served
    _publish(copy, "create table numbers as select 1::integer as a")

    async def read() -> list[float]:
        address = server.address()
        address["database"] = address.pop("dbname")
        connection = await asyncpg.connect(**address)
        first = await connection.fetchval("select a from numbers")
        await asyncio.to_thread(_publish, copy, "alter table numbers alter a type float using 0.5")
        second = await connection.fetchval("select a from numbers")
        await connection.close()
        return [first, second]

    assert asyncio.run(read()) == [1, 0.5]


def test_sigterm_ends_a_server_with_a_client_that_never_syncs(small_copy):
    with serving(small_copy.database, "--workers", "1", "--drain", "1") as server:
        client = server.connect()
        client.pgconn.enter_pipeline_mode()
        client.pgconn.send_query_params(SLOW.encode(), None)
        client.pgconn.send_flush_request()
        client.pgconn.flush()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


def test_rows_that_a_client_reads_come_from_one_file(served):
    server, copy = served
    (expected,) = server.query("select count(*) from dim_tracks")[0]
    with psycopg.connect(**server.address()) as client:
        cursor = client.cursor("some")
        cursor.execute("select track_id from dim_tracks order by track_id")
        first = cursor.fetchmany(5)
        _publish(copy, "delete from main.dim_tracks")
        rest = cursor.fetchall()
        assert len(first) + len(rest) == expected
    assert server.query("select count(*) from dim_tracks") == [(0,)]


def _publish(copy, change: str) -> None:
    new = copy.folder / "new.duckdb"
    shutil.copy(copy.database, new)
    with duckdb.connect(new) as connection:
        connection.execute(change)
    os.replace(new, copy.database)


def test_a_file_that_cannot_be_opened_is_an_error_until_the_next_one(served):
    server, copy = served
    good = copy.folder / "good.duckdb"
    shutil.copy(copy.database, good)
    with server.connect() as client:
        copy.database.unlink()
        with pytest.raises(psycopg.Error, match="No such file"):
            client.execute("select 1")
        copy.database.write_bytes(b"no database")
        with pytest.raises(psycopg.Error, match="not a valid DuckDB"):
            client.execute("select 1")
        os.replace(good, copy.database)
        assert client.execute("select 1").fetchone() == (1,)


def test_sigterm_lets_statements_end_and_takes_no_new_client(served):
    server, _ = served
    with ThreadPoolExecutor() as threads, server.connect() as idle, server.connect() as busy:
        running = threads.submit(lambda: busy.execute(SOON).fetchone())
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert running.result(SECONDS)[1] == 42
        with pytest.raises(psycopg.OperationalError, match=r"the server stops|closed"):
            idle.execute("select 1")
        assert server.process.wait(SECONDS) == 0
    with pytest.raises(psycopg.OperationalError):
        server.connect()


def test_workers_end_with_a_server_that_is_killed(small_copy):
    with serving(small_copy.database, "--workers", "2") as server:
        workers = server.workers()
        assert len(workers) == 2
        server.process.kill()
        deadline = time.monotonic() + 10
        while any(_is_running(pid) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(_is_running(pid) for pid in workers)


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_clients_get_right_rows_while_files_are_published(served):
    """The short form of `python -m benchmarks load`, which runs for ten minutes.

    Each file has its number in every row: rows of two files, or of an older one than before, show.
    """
    server, copy = served
    _publish(copy, "alter table dim_tracks add column version bigint default 0")
    expected = server.query("select track_id, predict_hit(t) from dim_tracks t order by track_id")
    known, stop, wrong = dict(expected), threading.Event(), []

    def ask() -> int:
        count = newest = 0
        with server.connect() as client:
            while not stop.is_set():
                rows = client.execute(
                    "select track_id, predict_hit(t), version from dim_tracks t"
                    " where track_id >= %s order by track_id limit 20",
                    (expected[count % len(expected)][0],),
                ).fetchall()
                versions = {row[2] for row in rows}
                if len(versions) != 1 or min(versions) < newest:
                    wrong.append((versions, newest))
                newest = max(versions)
                wrong.extend(row for row in rows if known[row[0]] != pytest.approx(row[1]))
                count += 1
        return count

    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(ask) for _ in range(16)]
        for number in range(1, 7):
            time.sleep(3)
            _publish(copy, f"update dim_tracks set version = {number}")
        stop.set()
        counts = [each.result(SECONDS) for each in asked]
    assert wrong == []
    assert min(counts) > 5
