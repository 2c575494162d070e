"""Publishing a file repeatedly: readers never fail, and never see half of a change."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import duckdb
import pytest
from rich.console import Console

import udfs
from hitparade.pipeline import publish
from hitparade.warehouse import WarehouseError
from tests.e2e.registry import champion, hitparade, other

pytestmark = pytest.mark.slow

PUBLISHES, READERS = 25, 8
# Two tables that every publish changes together: half of a change would be visible.
STATE = "select (select max(n) from main.ones), (select count(*) from main.many)"
CHANGE = "insert into main.ones select max(n) + 1 from main.ones; insert into main.many values (0)"
RUNTIME_ONLY = "select optimize_song(t) as advice from dim_tracks as t"
SCORE = "select count(predict_hit(t)) from dim_tracks as t where t.tempo > 100"

PUBLISHER = """
import sys
from pathlib import Path
from hitparade.pipeline.publish import draft
from hitparade.warehouse import connect

while True:
    with draft(Path(sys.argv[1])) as path:
        with connect(path) as connection:
            connection.execute(sys.argv[2])
    print("published", flush=True)
"""


@pytest.fixture
def counted(small_copy):
    """A finished warehouse with these two tables."""
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("create table main.ones as select 1 as n")
        connection.execute("create table main.many as select 0 as x")
    return small_copy


def change(database) -> None:
    with publish.draft(database) as path, duckdb.connect(path) as connection:
        connection.execute(CHANGE)


def read_all(database, reader: udfs.Reader, stop: Event) -> list[int]:
    """Read until stopped, every second time as a client that opens the file again."""
    seen = []
    while not stop.is_set():
        with reader.cursor() as cursor:
            ones, many = cursor.execute(STATE).fetchall()[0]
            scored = cursor.execute(SCORE).fetchall()[0][0]
            again = cursor.execute(STATE).fetchall()[0]
        assert ones == many == again[0] == again[1]
        assert scored > 0
        seen.append(ones)
        program = f"import duckdb; print(duckdb.connect({str(database)!r}, read_only=True)"
        program += f".execute({STATE!r}).fetchall()[0])"
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        ones, many = eval(said.stdout)
        assert ones == many >= seen[-1]
        seen.append(ones)
    return seen


def test_publishing_does_not_disturb_readers(counted):
    reader, stop = udfs.Reader(counted.database), Event()
    with ThreadPoolExecutor(READERS) as threads:
        readers = [threads.submit(read_all, counted.database, reader, stop) for _ in range(READERS)]
        try:
            for _ in range(PUBLISHES):
                change(counted.database)
        finally:
            stop.set()
        seen = [one.result() for one in readers]
    assert all(states == sorted(states) for states in seen)
    assert len({state for states in seen for state in states}) > READERS
    with reader.cursor() as cursor:
        assert cursor.execute(STATE).fetchall() == [(PUBLISHES + 1, PUBLISHES + 1)]


def test_an_open_reader_keeps_its_snapshot(counted):
    with duckdb.connect(counted.database, read_only=True) as reader:
        change(counted.database)
        assert reader.execute(STATE).fetchall() == [(1, 1)]
    assert counted.query(STATE) == [(2, 2)]


def test_a_killed_publish_leaves_the_old_or_the_new_file(counted):
    moment = random.Random(7)
    before = 1
    for _ in range(10):
        run = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(counted.database), CHANGE],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        first = run.stdout.readline()
        time.sleep(moment.uniform(0, 0.3))
        os.killpg(run.pid, signal.SIGKILL)
        said = (first + run.communicate()[0]).count("published")
        ((ones, many),) = counted.query(STATE)
        assert ones == many
        assert before + said <= ones <= before + said + 1
        before = ones


def test_writers_are_refused_while_a_draft_exists(counted):
    attempt = f"import duckdb; duckdb.connect({str(counted.database)!r})"
    before = counted.database.read_bytes()
    with publish.draft(counted.database) as path:
        assert path.read_bytes() == before
        second = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True)
        assert "Could not set lock" in second.stderr
        with (
            pytest.raises(publish.BusyError, match="another program is building in"),
            publish.draft(counted.database, wait=0),
        ):
            pass
    assert subprocess.run([sys.executable, "-c", attempt]).returncode == 0


def test_a_draft_is_refused_while_somebody_writes(counted):
    program = f"import duckdb, time; c = duckdb.connect({str(counted.database)!r}); print(1, "
    program += "flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        with (
            pytest.raises(WarehouseError, match="Close the program that has the file open"),
            publish.draft(counted.database),
        ):
            pass
        writer.kill()


def test_a_failed_change_is_not_published(counted):
    before = counted.database.read_bytes()
    with pytest.raises(ZeroDivisionError), publish.draft(counted.database) as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert counted.database.read_bytes() == before
    assert not path.exists()


def test_the_wal_of_a_killed_program_is_not_lost(counted):
    program = f"import duckdb, os; c = duckdb.connect({str(counted.database)!r}); "
    program += f"c.execute({CHANGE!r}); os._exit(1)"
    subprocess.run([sys.executable, "-c", program])
    assert counted.database.with_suffix(".duckdb.wal").exists()
    change(counted.database)
    assert counted.query(STATE) == [(3, 3)]
    assert not counted.database.with_suffix(".duckdb.wal").exists()


def test_a_promotion_is_published_while_a_reader_has_the_file_open(small_copy):
    before, promoted = champion(small_copy), other(small_copy)
    with duckdb.connect(small_copy.database, read_only=True) as reader:
        assert hitparade(small_copy, "promote", "hit", promoted).exit_code == 0
        assert champion(small_copy, reader) == before
    assert champion(small_copy) == promoted


def test_publish_builds_a_selection_while_a_reader_has_the_file_open(
    small_copy, small_sample, monkeypatch
):
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)
    with duckdb.connect(small_copy.database, read_only=True):
        result = hitparade(small_copy, "publish", "--select", "rpt_genre_profile")
    assert result.exit_code == 0, result.output
    nodes = (
        "select node, row_count, status from ml.runs order by started_at desc, row_count limit 1"
    )
    ((node, row_count, status),) = small_copy.query(nodes)
    assert (node, status) == ("model.rpt_genre_profile", "success")
    assert small_copy.query("select count(*) from rpt_genre_profile") == [(row_count,)]


def test_a_failed_build_keeps_the_file_and_is_recorded_in_it(small_copy, small_sample, monkeypatch):
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("create table main.mine as select 1 as x")
    rows = small_copy.query("select count(*) from features.feat_log_streams_context")
    console = Console(record=True, width=300)
    wrong = ("--select", "feat_log_streams_context", "--vars", "{charts_as_of: never}")
    assert not publish.build(console, small_copy.database, wrong)
    said = console.export_text()
    assert f"{small_copy.database.name} is unchanged; the failed build is" in said
    failed = small_copy.database.with_suffix(".draft") / "failed" / small_copy.database.name
    with duckdb.connect(failed, read_only=True) as connection:  # all its views work
        connection.execute("from ml.champions").fetchall()
    assert small_copy.query("select x from mine") == [(1,)]
    assert small_copy.query("select count(*) from features.feat_log_streams_context") == rows
    failure = "select message from ml.runs where status = 'error' and node = "
    ((message,),) = small_copy.query(f"{failure} 'model.feat_log_streams_context'")
    assert "never" in message
    assert small_copy.query("select count(*) from ml.runs where node = 'publish'") == [(0,)]


def test_a_build_without_results_is_recorded_in_the_file(small_copy, small_sample, monkeypatch):
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)
    assert not publish.build(Console(), small_copy.database, ["--vars", "{"])
    assert published(small_copy) == [("error", "dbt ended before it had results: see its messages")]
    (incident,) = small_copy.query("select check_name, message from rpt_incidents")
    assert incident[0] == "failed_build"
    assert incident[1].startswith("the build failed and has not succeeded since: dbt ended")


def test_a_refused_build_is_recorded_in_the_file(small_copy, small_sample, monkeypatch):
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)
    with duckdb.connect(small_copy.database) as connection:
        connection.execute("create table main.mine as select 1 as x")
        connection.execute("create view main.of_mine as from main.mine")
        connection.execute("drop table main.mine")
    console = Console(record=True, width=300)
    assert not publish.build(console, small_copy.database, ["--select", "rpt_genre_profile"])
    said = 'the view "main"."of_mine" does not work, fix or drop it'
    assert said in console.export_text()
    ((status, message),) = published(small_copy)
    assert (status, said in message) == ("error", True)
    checks = small_copy.query("select check_name from rpt_incidents")
    assert checks == [("failed_build",)]


def published(warehouse) -> list[tuple]:
    return warehouse.query("select status, message from ml.runs where node = 'publish'")


def test_an_unreadable_raw_file_is_recorded_in_the_file(small_copy, monkeypatch):
    for name, value in small_copy.environment().items():
        monkeypatch.setenv(name, value)
    (small_copy.raw / "dataset.csv").write_text("no such columns\n1\n")
    assert hitparade(small_copy, "build").exit_code == 1
    ((status, message),) = published(small_copy)
    assert status == "error"
    assert "dataset.csv" in message


def test_a_build_of_a_database_called_failed_starts_from_its_models(small_copy, monkeypatch):
    os.rename(small_copy.database, database := small_copy.folder / "failed.duckdb")
    counts = []

    def count(*_, HITPARADE_DATABASE: str, HITPARADE_DRAFT: str) -> bool:
        assert Path(HITPARADE_DATABASE) == database
        with duckdb.connect(HITPARADE_DRAFT) as connection:
            counts.extend(connection.execute("select count(*) from ml.train_hit").fetchall())
        return False

    monkeypatch.setattr(publish.dbt, "run", count)
    publish.build(Console(), database)
    with duckdb.connect(database, read_only=True) as connection:
        assert counts == connection.execute("select count(*) from ml.train_hit").fetchall()


def test_a_leftover_wal_is_not_applied_to_another_database(empty):
    log = empty.database.with_name(f"{empty.database.name}.wal")
    log.write_bytes(b"of another file")
    with (
        pytest.raises(WarehouseError, match="belongs to a database that no longer exists"),
        publish.draft(empty.database),
    ):
        pass
    assert log.read_bytes() == b"of another file"


def test_another_target_is_not_published(small_copy):
    result = hitparade(small_copy, "publish", "--target", "snowflake")
    assert result.exit_code == 2
    assert "only a DuckDB file can be published" in result.output


@pytest.mark.parametrize("selection", [["--select", "no_such_model"], ["--help"]])
def test_a_build_of_nothing_is_not_published(selection, small_copy, small_sample, monkeypatch):
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)
    before = small_copy.database.read_bytes()
    with pytest.raises(WarehouseError, match="dbt built nothing, so nothing is published"):
        publish.build(Console(), small_copy.database, selection)
    assert small_copy.database.read_bytes() == before
    assert not small_copy.database.with_suffix(".draft").exists()


@pytest.mark.parametrize("variable", [None, "DBT_EMPTY", "DBT_ENGINE_EMPTY"])
def test_empty_tables_are_not_published(variable, small_copy, monkeypatch):
    if variable:
        monkeypatch.setenv(variable, "True")
    result = hitparade(small_copy, "publish", *([] if variable else ["--empty"]))
    assert result.exit_code == 2
    assert "empty tables are not published" in result.output


@pytest.mark.parametrize(
    "left", ["cursor.close()", "cursor.begin()", "cursor.execute('use memory')"]
)
def test_a_reader_lends_a_fresh_cursor(left, small_copy):
    reader = udfs.Reader(small_copy.database)
    with reader.cursor() as cursor:
        eval(left)
    with reader.cursor() as cursor:
        assert cursor.execute("select count(*) > 0 from dim_tracks").fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("drop table main.ones", '"main"."of_ones" does not work'),
        ("update ml.train_hit set onnx = null", "the champion of hit is damaged"),
        ("update ml.train_hit set onnx = 'x'::blob", "the champion of hit is damaged"),
    ],
)
def test_a_draft_that_no_client_can_read_is_refused(damage, fault, counted):
    with duckdb.connect(counted.database) as connection:
        connection.execute("create view main.of_ones as from main.ones")
        connection.execute(f"create view main.advised as {RUNTIME_ONLY}")
    assert publish.check(counted.database) == []
    with duckdb.connect(counted.database) as connection:
        connection.execute(damage)
    (found,) = publish.check(counted.database)
    assert fault in found
