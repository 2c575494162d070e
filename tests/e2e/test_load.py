"""The ONNX Runtime backend under load: threads, promotions, pools, several databases."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

import udfs
from tests.e2e.test_runtime import PREDICT, is_runtime, run_alone, value
from tests.hand_models import add_model, linear
from tests.warehouse import ROOT
from udfs.runtime import functions as runtime
from udfs.runtime.sessions import DEFAULT_SIZE

pytestmark = pytest.mark.slow

# Calls of each of eight threads. Full size is 10,000, which takes a quarter of an hour.
CALLS = int(os.environ.get("HITPARADE_LOAD_CALLS", "100"))
# Allowed growth of memory: once, and per promotion, because DuckDB keeps memory of its views.
MEGABYTES, MEGABYTES_OF_PROMOTION = 40, 0.25


@pytest.fixture
def cache_size():
    """Set the cache limit for one test."""
    yield udfs.set_cache_size
    udfs.set_cache_size(DEFAULT_SIZE)


def test_each_answer_comes_from_one_champion_while_champions_change(small_copy):
    seconds = 120 + CALLS
    result = subprocess.run(
        [sys.executable, "-m", "tests.e2e.load", small_copy.database, str(CALLS), str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    print(found)
    assert found["wrong"] == []
    assert found["calls"] == 8 * CALLS
    assert found["promotions"] > 2 and found["certain"] > 0
    allowed = MEGABYTES + MEGABYTES_OF_PROMOTION * found["promotions"]
    assert found["memory_at_the_end"] < found["memory_after_warm_up"] + allowed


def test_a_pool_can_open_and_close_connections_repeatedly(small_warehouse):
    """It uses two threads. Every closed connection is garbage-collected with its functions."""
    program = """
import gc, sys, duckdb, udfs
from concurrent.futures import ThreadPoolExecutor

def work(_):
    answers = set()
    for turn in range(25):
        connection = duckdb.connect(sys.argv[1], read_only=True)
        cursor = connection.cursor()
        udfs.register(cursor)
        if turn % 2:
            udfs.register(connection)
        if turn % 3:
            cursor.close()
            cursor = connection.cursor()
            udfs.register(cursor)
        answers.add(cursor.execute(sys.argv[2]).fetchall()[0][0])
        if turn % 5:
            connection.close()
        del connection, cursor
        gc.collect()
    return answers

with ThreadPoolExecutor(2) as pool:
    print(*set.union(*pool.map(work, range(2))))
"""
    result = run_alone(program, small_warehouse.database, PREDICT)
    assert result.returncode == 0, result.stderr
    (answer,) = result.stdout.split()
    assert 0 < float(answer) < 1


def test_a_connection_can_close_while_another_thread_loads_a_model_through_it(small_warehouse):
    """DuckDB refuses to close a connection with a busy cursor; its owner would get the error."""
    reading, closed = threading.Event(), threading.Event()

    def wait(number):
        reading.set()
        assert closed.wait(60)
        return number

    connection = duckdb.connect(small_warehouse.database, read_only=True)
    with runtime._detached(connection) as reader, ThreadPoolExecutor(1) as pool:
        reader.create_function("wait_for_close", wait, ["BIGINT"], "BIGINT")
        answer = pool.submit(lambda: reader.execute("select wait_for_close(7)").fetchall())
        assert reading.wait(60)
        try:
            connection.close()
        finally:
            closed.set()
        assert answer.result() == [(7,)]


def test_an_unfinished_result_does_not_block_registering(small_warehouse):
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        connection.execute("from range(10000)").fetchone()
        udfs.register(connection)
        assert is_runtime(connection)
        connection.execute("from range(10000)").fetchone()
        cursor = connection.cursor()
        udfs.register(cursor)
        assert value(cursor) == value(connection)


def test_a_function_outlives_the_cursor_that_registered_it(small_warehouse):
    program = """
import gc, sys, duckdb, udfs
connection = duckdb.connect(sys.argv[1], read_only=True)
cursor = connection.cursor()
udfs.register(cursor)
cursor.execute(sys.argv[2]).fetchall()
cursor.close()
del cursor
gc.collect()
udfs.register(connection)
many = "select count(predict_hit(t)) from dim_tracks as t"
print(connection.execute(many).fetchall()[0][0])
connection.close()
"""
    result = run_alone(program, small_warehouse.database, PREDICT)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 1_000


def test_each_database_of_a_process_uses_its_own_champion(small_warehouse, small_copy):
    with duckdb.connect(small_copy.database) as other:
        udfs.register(other)
        ((champion, challenger),) = other.execute(
            "select any_value(model_id) filter (model_id = champion), "
            "any_value(model_id) filter (model_id <> champion) from ml.served_models, "
            "(select model_id as champion from ml.champions where task = 'hit') "
            "where task = 'hit'"
        ).fetchall()
        udfs.promote(other, "hit", challenger)
        with duckdb.connect(small_warehouse.database, read_only=True) as one:
            udfs.register(one)
            by = "select onnx_predict(?, encode_hit(0.5, 0.6, 0.7, 120))[2]"
            for connection, model_id in ((one, champion), (other, challenger), (one, champion)):
                expected = connection.execute(by, [model_id]).fetchall()[0][0]
                assert value(connection) == pytest.approx(expected, abs=1e-6)
            assert value(one) != value(other)


def test_corrupted_bytes_in_one_database_are_read_from_another(
    small_copy, small_warehouse, tmp_path
):
    content = linear([2.0], 1.0)
    good, bad = tmp_path / "good.duckdb", small_copy.database
    good.write_bytes(bad.read_bytes())
    for file in (bad, good):
        with duckdb.connect(file) as connection:
            add_model(connection, "in two databases", content)
    with duckdb.connect(bad) as connection:
        connection.execute("update ml.train_hit set onnx = '' where model_id = 'in two databases'")
        udfs.register(connection)
        query = "select onnx_predict('in two databases', [3.0])[1]"
        with pytest.raises(duckdb.Error, match="corrupted"):
            connection.execute(query)
        with duckdb.connect(good, read_only=True) as other:
            udfs.register(other)
            assert connection.execute(query).fetchall() == [(7.0,)]


def test_the_cache_limit_changes_no_answer(small_warehouse, cache_size):
    query = (
        "select predict_tier_by('xgboost', t), predict_hit_by('random_forest', t) from dim_tracks t"
    )
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        before = connection.execute(f"{query} order by all").fetchall()
        cache_size(1)
        assert connection.execute(f"{query} order by all").fetchall() == before


def test_the_graph_does_not_run_on_rows_without_valid_values(small_warehouse, monkeypatch):
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        assert 0 < value(connection) < 1
        monkeypatch.setattr(runtime.Model, "run", None)
        values = "(values (null), ('nan'::double)) as t (x)"
        bad = f"select distinct predict_hit(0.5, 0.6, x, 120) from {values}"
        assert connection.execute(bad).fetchall() == [(None,)]
