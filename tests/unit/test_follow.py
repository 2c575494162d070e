"""`hitparade follow`: when it begins a batch, and what it refuses. The batches are in tests/e2e."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath

import duckdb
import pytest
from rich.console import Console

from hitparade.pipeline import follow, publish
from hitparade.sources import slices
from hitparade.sources.folders import RawFileError
from hitparade.warehouse import WarehouseError
from tests.warehouse import ROOT

ALL = PurePosixPath()
PLAYLIST = json.dumps({"pid": 1, "tracks": []}) + "\n"


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """The folder of the user's files."""
    folder = tmp_path / "raw"
    folder.mkdir()
    monkeypatch.setenv("HITPARADE_RAW", str(folder))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    return folder


@pytest.fixture
def database(tmp_path):
    """A database of what a build has read: nothing yet."""
    path = tmp_path / "songs.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("create schema staging")
        connection.execute(
            "create table staging.stg_raw__slices (slice text, fingerprint text, status text)"
        )
    return path


def read(database) -> None:
    """Do what a build does with the list of files."""
    rows = slices.listed().to_pylist()
    with publish.draft(database) as path, duckdb.connect(path) as connection:
        connection.execute("delete from staging.stg_raw__slices")
        for row in rows:
            values = [row["slice"], row["fingerprint"], row["status"]]
            connection.execute("insert into staging.stg_raw__slices values (?, ?, ?)", values)


@pytest.fixture
def builds(database, monkeypatch):
    """The batches, which read the files but run no dbt; a batch raises the error in `fails`."""

    class Builds(list):
        fails: Exception | None = None

    made = Builds()

    def build(console, path, arguments, *, command, wait):
        made.append((*arguments, command, wait))
        if made.fails:
            raise made.fails
        read(path)
        return True

    monkeypatch.setattr(publish, "build", build)
    return made


def step(database, told: str = "") -> tuple[bool, str]:
    return follow.step(Console(quiet=True), database, ALL, told)


def test_only_new_changed_and_removed_files_are_changes(raw, database):
    assert follow.changes(database, ALL) == []
    (raw / "a.jsonl").write_text(PLAYLIST)
    (raw / "day").mkdir()
    (raw / "day" / "mpd.slice.0-9.json").write_text("{")
    (raw / ".a.jsonl").write_text(PLAYLIST)
    assert follow.changes(database, ALL) == ["a.jsonl", "day/mpd.slice.0-9.json"]
    read(database)
    assert follow.changes(database, ALL) == []
    with open(raw / "a.jsonl", "a") as file:
        file.write("{")
    assert follow.changes(database, ALL) == ["a.jsonl"]
    read(database)
    (raw / "a.jsonl").write_text(PLAYLIST)  # shorter again
    assert follow.changes(database, ALL) == ["a.jsonl"]
    read(database)
    (raw / "a.jsonl").rename(raw / "b.jsonl")
    assert follow.changes(database, ALL) == ["a.jsonl", "b.jsonl"]


def test_a_change_beside_the_followed_folder_begins_no_batch(raw, database):
    (raw / "live").mkdir()
    (raw / "a.jsonl").write_text(PLAYLIST)
    (raw / "live2.jsonl").write_text(PLAYLIST)
    assert follow.changes(database, PurePosixPath("live")) == []
    (raw / "live" / "b.jsonl").write_text(PLAYLIST)
    assert follow.changes(database, PurePosixPath("live")) == ["live/b.jsonl"]


def test_the_first_file_of_the_user_replaces_the_sample(raw, database, monkeypatch, tmp_path):
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "mpd.slice.0-9.json").write_text("{}")
    monkeypatch.setenv("HITPARADE_SAMPLE", str(tmp_path / "sample"))
    assert follow.changes(database, ALL) == []
    read(database)
    (raw / "a.jsonl").write_text(PLAYLIST)
    assert follow.changes(database, ALL) == ["a.jsonl"]


def test_an_empty_folder_is_taken_for_one_that_is_not_mounted(raw, database, builds):
    (raw / "a.jsonl").write_text(PLAYLIST)
    assert step(database) == (True, "")
    (raw / "a.jsonl").unlink()
    with pytest.raises(RawFileError, match="check that the folder is mounted"):
        follow.changes(database, ALL)
    raw.rmdir()
    has_tried, told = step(database)
    assert has_tried and "is not a folder" in told
    assert len(builds) == 1


def test_a_folder_beside_the_followed_one_may_be_a_mount_that_is_gone(raw, database, builds):
    """A batch reads all folders, and would remove its playlists."""
    for name in ("live", "s3"):
        (raw / name).mkdir()
        (raw / name / "a.jsonl").write_text(PLAYLIST)
    read(database)
    (raw / "s3" / "a.jsonl").unlink()
    (raw / "live" / "b.jsonl").write_text(PLAYLIST)
    with pytest.raises(RawFileError, match=r"s3 has no playlists any more, .* 1 files of them"):
        follow.changes(database, PurePosixPath("live"))
    (raw / "s3" / "a.jsonl").write_text(PLAYLIST)
    assert follow.changes(database, PurePosixPath("live")) == ["live/b.jsonl"]


def test_a_failed_batch_is_recorded_by_its_failures(database, tmp_path):
    """It is tried each minute, and has a hundred rows."""
    failed = tmp_path / "failed.duckdb"
    for path in (failed, database):
        with duckdb.connect(path) as connection:
            connection.execute("create schema if not exists ml")
            connection.execute(
                "create table ml.runs (run_id text, started_at timestamp, command text, node text, "
                "status text, seconds double, message text)"
            )
    began = datetime.now(UTC)
    rows = [
        ("follow", "int_playlists", "success"),
        ("follow", "stg_mpd__tracks", "error"),
        ("build", "int_playlists", "success"),
    ]
    with duckdb.connect(failed) as connection:
        for number, row in enumerate(rows):
            values = [str(number), began.replace(tzinfo=None), *row]
            connection.execute("insert into ml.runs values (?, ?, ?, ?, ?, 1, 'm')", values)
    publish.record_failure(database, began, "failed", failed, command="follow")
    with duckdb.connect(database) as connection:
        found = connection.execute("select command, node, status from ml.runs").fetchall()
    assert sorted(found) == sorted(rows[1:])


def test_a_batch_runs_what_playlists_change_and_does_not_wait(raw, database, builds):
    (raw / "a.jsonl").write_text(PLAYLIST)
    assert [step(database)[0] for _ in range(2)] == [True, False]
    assert builds == [(*follow.SELECTION, "follow", 0)]


def test_an_error_is_recorded_once_and_tried_again(raw, database, builds, monkeypatch):
    recorded = []
    monkeypatch.setattr(publish, "record_failure", lambda *given, **_: recorded.append(given[2]))
    (raw / "a.jsonl").write_text(PLAYLIST)
    builds.fails = OSError("disk full")
    assert step(database) == (True, "disk full")
    assert step(database, "disk full") == (True, "disk full")
    builds.fails = publish.BusyError("another program is building")
    assert step(database, "disk full") == (True, "disk full")
    assert recorded == ["disk full"]
    builds.fails = None
    assert [step(database, "disk full"), step(database)] == [(True, ""), (False, "")]
    assert len(builds) == 4


class Stopped(BaseException):
    """Ends the endless loop of a test."""


@pytest.mark.parametrize("fails", [None, OSError("disk full")])
def test_batches_begin_at_least_a_minute_apart(fails, raw, database, builds, monkeypatch):
    """Also after a failure. Without a batch the next look is soon."""
    waits, clock = [], [100.0]

    def sleep(seconds: float) -> None:
        waits.append(round(seconds))
        clock[0] += seconds
        if len(waits) == 1:
            builds.fails = None
        if len(waits) == 4:
            raise Stopped

    class Time:
        monotonic = staticmethod(lambda: clock[0])

    Time.sleep = staticmethod(sleep)
    monkeypatch.setattr(follow, "time", Time)
    monkeypatch.setattr(publish, "record_failure", lambda *_, **__: None)
    builds.fails = fails
    build = publish.build

    def slowly(*given, **more):
        clock[0] += 15
        return build(*given, **more)

    monkeypatch.setattr(publish, "build", slowly)
    (raw / "a.jsonl").write_text(PLAYLIST)
    with pytest.raises(Stopped):
        follow.run(Console(quiet=True), database, raw, 60)
    assert waits == ([45, 45, 5, 5] if fails else [45, 5, 5, 5])


def test_a_second_follower_is_refused_until_the_first_is_gone(raw, database):
    """A lock of the operating system: it does not outlive a killed process."""
    program = "import sys, time; from pathlib import Path; from hitparade.pipeline import follow\n"
    program += "with follow._only_one(Path(sys.argv[1])): print(1, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(database)], stdout=subprocess.PIPE
    ) as first:
        first.stdout.readline()
        with pytest.raises(follow.FollowError, match="another `hitparade follow` publishes to"):
            follow.run(Console(quiet=True), database, raw, 1)
        first.kill()
    with follow._only_one(database):
        pass
    assert not database.with_suffix(".follow").exists()


def test_a_folder_that_builds_do_not_read_is_refused(raw, database, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(follow.FollowError, match="so builds would not read it"):
        follow.run(Console(quiet=True), database, tmp_path / "other", 1)
    with pytest.raises(follow.FollowError, match="is not a folder: create it"):
        follow.run(Console(quiet=True), database, raw / "none", 1)


def test_a_build_comes_first(raw, tmp_path):
    with pytest.raises(WarehouseError, match="run `hitparade build`"):
        follow.run(Console(quiet=True), tmp_path / "none.duckdb", raw, 1)


def test_a_change_waits_for_another_one(database, capsys):
    """As a build at night does for a batch."""
    begun = threading.Event()

    def hold() -> None:
        with publish.draft(database):
            begun.set()
            time.sleep(1)

    first = threading.Thread(target=hold)
    first.start()
    begun.wait()
    with pytest.raises(publish.BusyError), publish.draft(database, wait=0):
        pass
    with publish.draft(database, wait=20) as path:
        assert path.exists()
    first.join()
    assert capsys.readouterr().err.count("waiting") == 1
    assert not database.with_suffix(".draft").exists()


KILLED = """
import os, subprocess, sys
from pathlib import Path
from hitparade.pipeline import publish

with publish.draft(Path(sys.argv[1])) as path:
    program = [sys.executable, "-c", sys.argv[2], str(path)]
    child = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.readline()
    print(child.pid, flush=True)
    os.kill(os.getpid(), 9)
"""
# Goes on writing after its file is removed, as dbt whose starter was killed. DuckDB
# then writes a log beside whatever file has the path.
ORPHAN = """
import os, sys, time, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute("create table lost as select 1 as x")
    own = os.stat(sys.argv[1]).st_ino
    print(1, flush=True)
    while os.path.exists(sys.argv[1]) and os.stat(sys.argv[1]).st_ino == own:
        time.sleep(0.01)
    connection.execute("checkpoint")
    connection.execute("insert into lost values (2)")
    time.sleep(60)
"""


def test_what_a_killed_program_left_behind_writes_to_no_later_draft(database):
    program = [sys.executable, "-c", KILLED, str(database), ORPHAN]
    killed = subprocess.run(program, capture_output=True, text=True, timeout=60)
    orphan = int(killed.stdout)
    try:
        with publish.draft(database) as path:
            time.sleep(1)
            with duckdb.connect(path) as connection:
                connection.execute("create table kept as select 1 as x")
    finally:
        with suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)
    with duckdb.connect(database) as connection:
        made = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
    assert made == [("kept",), ("stg_raw__slices",)]
    assert not database.with_suffix(".draft").exists()


def test_the_recipe_copies_the_objects_that_are_not_there_yet(tmp_path, monkeypatch):
    """From a folder instead of a bucket, which needs an extension of DuckDB and a server."""
    recipe = (ROOT / "docs" / "s3" / "take.sql").read_text()
    monkeypatch.chdir(tmp_path)
    for folder in ("bucket/playlists", "data/raw/s3"):
        (tmp_path / folder).mkdir(parents=True)

    def take() -> dict[str, list[object]]:
        """Return what is read of each file after the copy."""
        with duckdb.connect() as connection:
            connection.execute(recipe.replace("s3://music/", "bucket/"))
        for made in (tmp_path / "data" / "s3.new").iterdir():
            made.rename(tmp_path / "data" / "raw" / "s3" / made.name)
        files = (tmp_path / "data" / "raw").rglob("data_0.jsonl")
        return {file.parent.name: slices.judged(file)["playlists"] for file in files}

    first, second = {"pid": 1, "name": "a, \"b\" 'c' \\ é\u2028"}, {"pid": 2, "tracks": [1, 2]}
    lines = [json.dumps(one, ensure_ascii=False) for one in (first, second)]
    (tmp_path / "bucket" / "playlists" / "a b.jsonl").write_text("\n".join(lines))
    assert take() == {"object=a%20b.jsonl": [first, second]}
    (tmp_path / "bucket" / "playlists" / "c.jsonl").write_text(PLAYLIST)
    assert sorted(take()) == ["object=a%20b.jsonl", "object=c.jsonl"]
    with pytest.raises(duckdb.Error, match="cannot take NULL list"):
        take()
