"""A full disk, or a locked, read-only or damaged file: the error names the cause.

HITPARADE_FULL_DISKS=20 fills the disk at that many random moments of a build.
"""

import ctypes
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import udfs
from tests.faults.outcomes import show, size
from tests.faults.registry import History, checked
from tests.warehouse import ROOT, Warehouse
from udfs.runtime import functions as runtime
from udfs.runtime.sessions import Sessions

pytestmark = pytest.mark.slow

FULL_DISKS = size("HITPARADE_FULL_DISKS", 1)
READERS = [["report"], ["tune", "hit"], ["models"]]
BY_COMMAND = pytest.mark.parametrize("words", [["build"], *READERS], ids=" ".join)
HOLDER = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
PREDICT = "select predict_hit(0.5, 0.6, 0.7, 120)"

outcomes = Counter()


# A file that another program has locked


@pytest.fixture
def holder(small_copy):
    """Another program that has the file open for writing."""
    program = [sys.executable, "-c", HOLDER, str(small_copy.database)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.stdin.close()


@BY_COMMAND
def test_the_program_that_holds_the_file_is_named(command, holder, words):
    said = command(*words)
    assert f"PID {holder.pid}" in said
    assert "Close the program that has the file open." in said


def test_dbt_names_the_program_that_holds_the_file(small_copy, holder):
    result = small_copy.dbt("show", "--inline", "select 1", check=False)
    assert result.returncode == 2
    assert f"PID {holder.pid}" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


# A read-only file


def without_privilege() -> None:
    """Drop the privilege by which root may write read-only files."""
    pr_capbset_drop, cap_dac_override = 24, 1
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override)


@pytest.mark.parametrize("program", ["hitparade", "dbt"])
def test_a_read_only_file_is_named(small_copy, small_sample, program):
    small_copy.database.chmod(0o444)
    result = subprocess.run(
        [Path(sys.executable).with_name(program), "build"],
        cwd=ROOT,
        env=small_copy.environment(HITPARADE_SAMPLE=str(small_sample)),
        capture_output=True,
        preexec_fn=without_privilege,
        text=True,
    )
    assert result.returncode > 0
    assert f'Cannot open file "{small_copy.database}": Permission denied' in result.stdout
    assert "Get write permission for the file and its folder." in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


# A full disk


def full(space: int) -> Callable[[], None]:
    """Return a function that limits the size of every file a process writes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (space, space))


def build_on_full_disk(warehouse, raw_files, space: int) -> subprocess.CompletedProcess:
    """Build with limited space; dbt's own logs do not count."""
    quiet = {"DBT_LOG_LEVEL_FILE": "none", "DBT_WRITE_JSON": "false"}
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "build"],
        cwd=warehouse.project,
        env=warehouse.environment(HITPARADE_SAMPLE=str(raw_files), **quiet),
        capture_output=True,
        preexec_fn=full(space),
        text=True,
    )


@pytest.mark.parametrize("number", range(FULL_DISKS))
def test_a_full_disk_stops_a_build_and_loses_nothing(small_copy, one_row_less, number):
    before = checked(small_copy.database, History())
    space = int(random.Random(number).uniform(2e5, 1e7))
    result = build_on_full_disk(small_copy, one_row_less, space)
    outcomes["build failed" if result.returncode else "build had space"] += 1
    assert ("File too large" in result.stdout) == (result.returncode > 0), result.stdout

    left = checked(small_copy.database, before)
    small_copy.build(HITPARADE_SAMPLE=str(one_row_less))
    assert checked(small_copy.database, left).models > before.models


def test_a_full_disk_stops_a_promotion(small_copy):
    other = "select model_id from ml.model_versions where task = 'hit' and algorithm = '{}'"
    ((model_id,),) = small_copy.query(other.format("logistic_regression"))
    before = checked(small_copy.database, History())
    result = subprocess.run(
        [Path(sys.executable).with_name("hitparade"), "promote", "hit", model_id],
        env=small_copy.environment(),
        capture_output=True,
        preexec_fn=full(0),
        text=True,
    )
    assert result.returncode == 1
    assert "is unchanged" in result.stdout
    assert "File too large" in result.stdout
    assert checked(small_copy.database, History()) == before


def test_some_builds_hit_the_full_disk():
    show("Builds on a full disk", outcomes)
    assert outcomes.total() == FULL_DISKS
    assert outcomes["build failed"] > FULL_DISKS / 2


# A damaged file


def flipped(content: bytearray, places: range) -> bytes:
    for place in places:
        content[place] ^= 0xFF
    return bytes(content)


DAMAGES = {
    "not a database": lambda content: flipped(content, range(64)),
    "header": lambda content: flipped(content, range(4096, 12288)),
    "blocks": lambda content: flipped(content, range(12388, len(content), 4096)),
    "end": lambda content: bytes(content[: len(content) // 100]),
    "empty": lambda content: b"",
}


@BY_COMMAND
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(command, small_copy, words, damage):
    content = bytearray(small_copy.database.read_bytes())
    small_copy.database.write_bytes(DAMAGES[damage](content))
    said = command(*words)
    assert "The file is damaged, or not a database: restore a copy of it. Or move it" in said


# A model with damaged bytes

CHAMPION = "model_id in (select model_id from ml.champions)"
BYTES = {
    "a byte": "onnx[:100] || from_hex('00') || onnx[102:]",
    "the end": "onnx[:100]",
    "all": "cast('' as blob)",
}


def damage_hit(warehouse: Warehouse, bytes_: str) -> None:
    """Change the bytes of the champion of task hit."""
    with duckdb.connect(warehouse.database) as connection:
        damage = f"update ml.train_hit set onnx = {bytes_} where {CHAMPION}"
        assert connection.execute(damage).fetchall() == [(1,)]


@pytest.fixture(params=BYTES)
def damaged_hit(small_copy, request, monkeypatch):
    """A connection to a warehouse whose champion of task hit is damaged, as in a new process."""
    # Other tests of this process may have loaded the same model from an undamaged file.
    monkeypatch.setattr(runtime, "_sessions", Sessions(runtime._fetch))
    damage_hit(small_copy, BYTES[request.param])
    with duckdb.connect(small_copy.database) as connection:
        yield connection


def test_damaged_bytes_affect_only_their_model(damaged_hit):
    udfs.register(damaged_hit)
    with pytest.raises(duckdb.Error, match=r"stored bytes of model \w+ are corrupted .*: restore"):
        damaged_hit.execute(PREDICT)
    by_another = "select predict_hit_by('logistic_regression', 0.5, 0.6, 0.7, 120)"
    assert 0 < damaged_hit.execute(by_another).fetchall()[0][0] < 1
    assert damaged_hit.execute("select predict_tier(t) from dim_tracks t limit 1").fetchall()


def test_the_sql_backend_does_not_read_the_bytes(damaged_hit, small_warehouse):
    assert damaged_hit.execute(PREDICT).fetchall() == small_warehouse.query(PREDICT)


def test_a_build_reports_a_damaged_champion(small_copy, one_row_less):
    damage_hit(small_copy, BYTES["a byte"])
    versions = "select task, max(version) from ml.model_versions group by task"
    selection = ["+train_hit", "+train_log_streams"]
    result = small_copy.dbt("run", "--select", *selection, HITPARADE_SAMPLE=str(one_row_less))
    assert "the champion of task hit, are corrupted: restore the database file" in result.stdout
    newest = dict(small_copy.query(versions))
    assert (newest["hit"], newest["log_streams"]) == (1, 2)
