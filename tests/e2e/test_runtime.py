"""udfs.register: the ONNX Runtime backend in a Python program."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

import udfs
from tests.warehouse import ROOT

PREDICT = "select predict_hit(0.5, 0.6, 0.7, 120)"


def is_runtime(connection) -> bool:
    plan = connection.execute(
        f"explain {PREDICT.replace('0.5', 't.danceability')} from dim_tracks t"
    )
    return "onnx_predict_runtime" in plan.fetchall()[0][1]


def value(connection) -> float:
    return connection.execute(PREDICT).fetchall()[0][0]


def run_alone(program: str, *arguments) -> subprocess.CompletedProcess:
    """Run a program in a separate process: a crash must not stop the tests."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_registering_changes_the_backend_of_this_connection_only(warehouse):
    with (
        duckdb.connect(warehouse.database, read_only=True) as one,
        duckdb.connect(warehouse.database, read_only=True) as other,
    ):
        udfs.register(one)
        assert is_runtime(one)
        assert not is_runtime(other)
        assert value(one) == pytest.approx(value(other), rel=1e-6)


def test_registering_twice_is_harmless(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        udfs.register(connection)
        assert is_runtime(connection)


def test_registering_after_a_rollback_names_the_next_step(copy):
    with duckdb.connect(copy.database) as connection:
        connection.execute("begin")
        udfs.register(connection)
        connection.execute("rollback")
        with pytest.raises(
            udfs.ModelError, match=r"open a new connection, and call udfs\.register outside"
        ):
            udfs.register(connection)
        assert 0 < value(connection) < 1


def test_a_cursor_must_be_registered_itself(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        cursor = connection.cursor()
        assert not is_runtime(cursor)
        udfs.register(cursor)
        assert is_runtime(cursor)
        assert value(cursor) == value(connection)


def test_closing_the_first_connection_does_not_affect_the_second(warehouse):
    program = """
import sys, gc, duckdb, udfs
one = duckdb.connect(sys.argv[1], read_only=True)
udfs.register(one)
two = duckdb.connect(sys.argv[1], read_only=True)
udfs.register(two)
one.close()
del one
gc.collect()
print(two.execute(sys.argv[2]).fetchall()[0][0])
two.close()
"""
    result = run_alone(program, warehouse.database, PREDICT)
    assert result.returncode == 0, result.stderr
    assert 0 < float(result.stdout) < 1


def test_a_closed_connection_releases_the_file(copy):
    with duckdb.connect(copy.database) as connection:
        udfs.register(connection)
        value(connection)
    program = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('create table t(a int)')"
    result = run_alone(program, copy.database)
    assert result.returncode == 0, result.stderr


def test_an_attached_registry_serves_after_use(warehouse):
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse.database}' as songs (read_only)")
        connection.execute("use songs")
        by_sql = value(connection)
        udfs.register(connection)
        assert is_runtime(connection)
        assert value(connection) == pytest.approx(by_sql, rel=1e-6)


def test_a_registry_attached_under_a_quoted_name_serves(warehouse):
    with duckdb.connect() as connection:
        connection.execute(f"""attach '{warehouse.database}' as "A""B c" (read_only)""")
        connection.execute('use "A""B c"')
        by_sql = value(connection)
        udfs.register(connection)
        assert is_runtime(connection)
        assert value(connection) == pytest.approx(by_sql, rel=1e-6)
        assert connection.execute("select explain_hit(0.7, 0.8, 0.5, 120)").fetchall()[0][0]


def test_a_renamed_file_answers(copy):
    renamed = copy.database.with_name("another.duckdb")
    with duckdb.connect(copy.database) as connection:
        before = value(connection)
    copy.database.rename(renamed)
    with duckdb.connect(renamed, read_only=True) as connection:
        udfs.register(connection)
        assert value(connection) == pytest.approx(before, rel=1e-6)


def test_threads_share_the_models(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:

        def work(_):
            cursor = connection.cursor()
            udfs.register(cursor)
            query = "select count(*), sum(predict_hit(t)) from dim_tracks t"
            return cursor.execute(query).fetchall()[0]

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(work, range(8)))
    assert len({count for count, _ in answers}) == 1
    assert [total for _, total in answers] == pytest.approx([answers[0][1]] * 8)


@pytest.mark.slow
def test_rows_beyond_one_vector_keep_their_order(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        query = "select predict_hit(0.5, 0.6, 0.7, 60 + i % 100) from range(10000) r(i) order by i"
        by_sql = [row[0] for row in connection.execute(query).fetchall()]
        udfs.register(connection)
        by_onnx_runtime = [row[0] for row in connection.execute(query).fetchall()]
    assert by_onnx_runtime == pytest.approx(by_sql, rel=2e-6)  # as docs/functions.md states
