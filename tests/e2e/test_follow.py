"""`hitparade follow`: playlists that arrive are published, once, whatever happens in between."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import duckdb
import pytest
from rich.console import Console

import udfs
from hitparade.pipeline import follow, publish
from tests.shared import built
from tests.warehouse import ROOT, Warehouse

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-c", "from hitparade.cli import app; app()", "follow", "--every", "1"]
STAGED = [f"stg_mpd__{name}" for name in ("playlists", "playlist_tracks", "tracks", "artists")]
STAGED += ["stg_mpd__albums"]
VERSIONS = "select count(*) from ml.model_versions"
BUILDS = "select (select count(*) from ml.whole_builds), (select count(*) from ml.run_sources)"
FAILED = "select message from rpt_incidents where check_name = 'failed_build'"


@pytest.fixture(scope="module")
def playlists(sample_with_playlists) -> list[dict]:
    (slice_file,) = sample_with_playlists.glob("mpd.slice.*.json")
    return json.loads(slice_file.read_text())["playlists"]


@pytest.fixture
def followed(sample_with_playlists, tmp_path, monkeypatch) -> Warehouse:
    """A warehouse whose playlists are the user's."""
    warehouse = built("warehouse_with_playlists", sample_with_playlists)
    copy = Warehouse(shutil.copytree(warehouse.folder, tmp_path / "followed"))
    for name, value in copy.environment().items():
        monkeypatch.setenv(name, value)
    for file in sample_with_playlists.glob("mpd.slice.*.json"):
        shutil.copy2(file, copy.raw)
    return copy


@pytest.fixture
def batch(followed, monkeypatch):
    """Run a batch as `hitparade follow` does, with a dbt that starts fast."""

    def run(*arguments: str, **environment: str) -> bool:
        return followed.dbt(*arguments, check=False, **environment).returncode == 0

    monkeypatch.setattr(publish.dbt, "run", run)
    console = Console(record=True, width=300)

    def step() -> str:
        """Return what is printed; the step must have had something to do."""
        assert follow.step(console, followed.database, PurePosixPath())[0]
        return console.export_text()

    return step


def line(playlist: dict, pid: int, **more) -> bytes:
    return json.dumps(playlist | {"pid": pid} | more).encode() + b"\n"


def append(warehouse: Warehouse, content: bytes, name: str = "feed.jsonl") -> Path:
    with open(warehouse.raw / name, "ab") as file:
        file.write(content)
    return warehouse.raw / name


def titles(warehouse: Warehouse) -> dict[int, str]:
    return dict(
        warehouse.query(
            "select playlist_id, title from staging.stg_mpd__playlists where playlist_id >= 1000"
        )
    )


def rejected(warehouse: Warehouse) -> list[tuple]:
    return warehouse.query(
        "select file, line_number, path, reason, content from staging.quarantine "
        "where source = 'playlists' order by all"
    )


def test_a_playlist_that_arrives_answers_and_trains_nothing(followed, batch, playlists):
    before = [followed.query(query) for query in (VERSIONS, BUILDS)]
    append(followed, line(playlists[3], 1_000, name="Émigré 夜"))
    slice_text = json.dumps({"playlists": [playlists[4] | {"pid": 1_001, "name": "In a slice"}]})
    (followed.raw / "mpd.slice.1001-1001.json").write_text(slice_text)
    assert "published in" in batch()
    assert titles(followed) == {1_000: "Émigré 夜", 1_001: "In a slice"}
    with duckdb.connect(followed.database, read_only=True) as connection:
        udfs.register(connection)
        for pid in (1_000, 1_001):
            query = f"select len(next_songs_for_playlist({pid}, 3))"
            assert connection.execute(query).fetchall() == [(3,)]
    stored = "select playlist_id, count(*) from fct_playlist_next_songs group by playlist_id"
    counts = dict(followed.query(stored))
    assert len(counts) == len(playlists) + 2 and {*counts.values()} == {10}
    assert followed.query("select file, row_count from rpt_sources where source = 'playlists'") == [
        ("3 files", len(playlists) + 2)
    ]
    # Neither a complete build, nor one of the states that are compared from build to build.
    assert [followed.query(query) for query in (VERSIONS, BUILDS)] == before
    assert not follow.changes(followed.database, PurePosixPath())
    append(followed, line(playlists[5], 1_002))
    batch()
    runs = "select count(distinct run_id) from ml.runs where command = 'follow'"
    assert followed.query(runs) == [(1,)]
    assert followed.query("from rpt_incidents") == []


def test_half_of_a_line_or_a_slice_waits_and_a_broken_line_is_quarantined(
    followed, batch, playlists
):
    """The last line ends within a letter, and the broken track is in the line after a blank one."""
    broken_track = playlists[3]["tracks"][0] | {"track_name": " "}
    mixed = line(playlists[3], 1_001, tracks=[broken_track, *playlists[3]["tracks"][1:]])
    last = json.dumps(playlists[4] | {"pid": 1_002, "name": "é"}, ensure_ascii=False).encode()
    half = last.index("é".encode()) + 1
    first = line(playlists[3], 1_000).replace(b"\n", b"\r\n")
    append(followed, first + b"{broken\n\n" + mixed + last[:half])
    whole = json.dumps({"playlists": [playlists[5] | {"pid": 1_003}]})
    slice_file = append(followed, whole[:-9].encode(), "mpd.slice.1003-1003.json")
    append(followed, b"", "later.ndjson")
    batch()
    assert [*titles(followed)] == [1_000, 1_001]
    (of_line, of_track, of_slice) = rejected(followed)
    assert of_line == ("feed.jsonl", 2, "$", "the line is not JSON", "{broken")
    assert of_track[:4] == ("feed.jsonl", 4, "$.tracks[0]", "track_name is blank")
    assert of_slice[:3] == ("mpd.slice.1003-1003.json", None, "$")
    slice_file.write_text(whole)
    append(followed, last[half:])  # without a line feed
    batch()
    assert sorted(titles(followed)) == [1_000, 1_001, 1_002, 1_003]
    assert rejected(followed) == [of_line, of_track]
    # A playlist that comes again goes to quarantine, and one that is removed is forgotten.
    append(followed, b"\n" + line(playlists[6], 1_000), "later.ndjson")
    slice_file.unlink()
    batch()
    assert sorted(titles(followed)) == [1_000, 1_001, 1_002]
    again = "pid is 1000, as of a playlist before it in feed.jsonl"
    assert [row[:4] for row in rejected(followed)][-1] == ("later.ndjson", 2, "$", again)


def test_a_failed_batch_changes_nothing_and_is_told_until_one_succeeds(followed, batch, playlists):
    with duckdb.connect(followed.database) as connection:
        connection.execute("create table main.mine as select 1 as x")
        connection.execute("create view main.of_mine as from main.mine")
        connection.execute("drop table main.mine")
    append(followed, line(playlists[3], 1_000))
    assert 'the view "main"."of_mine" does not work' in batch()
    assert titles(followed) == {}
    ((message,),) = followed.query(FAILED)
    assert message.startswith("a batch of hitparade follow failed and has not succeeded since: the")
    with duckdb.connect(followed.database) as connection:
        connection.execute("drop view main.of_mine")
    batch()
    assert [*titles(followed)] == [1_000]
    assert followed.query(FAILED) == []


def test_a_file_that_vanishes_in_a_batch_fails_only_this_batch(
    followed, batch, playlists, monkeypatch
):
    gone = append(followed, line(playlists[3], 1_000), "gone.jsonl")
    append(followed, line(playlists[4], 1_001))
    run = publish.dbt.run

    def meanwhile(*_: str, **environment: str) -> bool:
        """Remove the file after the list of files was made, and before it is read."""
        listed = run("build", "--select", "stg_raw__slices", **environment)
        gone.rename(gone.with_suffix(".away"))
        return listed and run("build", "--select", "base_mpd__slices", **environment)

    monkeypatch.setattr(publish.dbt, "run", meanwhile)
    assert "the failed build is" in batch()
    assert titles(followed) == {}
    monkeypatch.setattr(publish.dbt, "run", run)
    batch()
    assert [*titles(followed)] == [1_001]


@contextmanager
def begin(warehouse: Warehouse) -> Iterator[subprocess.Popen]:
    """Follow in a program of its own, which ends with the test, whether or not it has passed."""
    with subprocess.Popen(
        PROGRAM,
        cwd=ROOT,
        env=warehouse.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that starts the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def await_line(program: subprocess.Popen, words: str) -> None:
    said = []
    for text in program.stdout:
        said.append(text)
        if words in text:
            return
    raise AssertionError("".join(said))


def rows(warehouse: Warehouse, table: str) -> list[tuple]:
    return warehouse.query(f"from {table} order by all")


def test_killed_at_any_moment_it_loses_and_doubles_nothing(
    followed, playlists, sample_with_playlists, tmp_path
):
    """The tables are those of one build of all files. dbt outlives the program that is killed."""
    leftovers = followed.database.with_suffix(".draft")
    pid = 1_000
    for moment in ("stg_mpd__tracks", "Done. PASS"):
        append(followed, line(playlists[pid % 7], pid) + b"{broken\n" + line(playlists[8], pid + 1))
        pid += 2
        with begin(followed) as program:
            await_line(program, moment)
            program.kill()
    append(followed, line(playlists[9], pid)[:-40])
    with begin(followed) as program:
        await_line(program, "stg_raw__slices")
        program.terminate()
        assert program.wait(timeout=30) == 128 + signal.SIGTERM
    assert not leftovers.exists()
    append(followed, line(playlists[9], pid)[-40:])
    with begin(followed) as program:
        await_line(program, "published in")
        append(followed, line(playlists[10], pid + 1))
        await_line(program, "published in")
        program.send_signal(signal.SIGINT)
        said, _ = program.communicate(timeout=30)
    assert program.returncode == 130
    assert "Stopped." in said and "Traceback" not in said
    assert not leftovers.exists() and not followed.database.with_suffix(".follow").exists()

    once = Warehouse(tmp_path / "once")
    shutil.copytree(followed.raw, once.raw)
    once.dbt(
        "build",
        "--select",
        *(f"+{name}" for name in (*STAGED, "quarantine")),
        "--exclude-resource-type=test",
    )
    assert len(titles(once)) == 6
    for table in STAGED:
        assert rows(followed, f"staging.{table}") == rows(once, f"staging.{table}"), table
    assert rejected(followed) == rejected(once)
    assert len(rejected(once)) == 2
    stored = "select count(*), count(distinct playlist_id) from fct_playlist_next_songs"
    count = len(playlists) + 6
    assert followed.query(stored) == [(10 * count, count)]
