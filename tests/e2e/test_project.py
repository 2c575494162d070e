"""Commands act on the project they run in, no matter which clone is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.e2e.registry import CHAMPION, other
from tests.warehouse import ROOT, Warehouse, copy_project

COMMAND = "from hitparade.cli import app; app()"
OWN = ("HITPARADE_", "DBT_")
# State that an in-process dbt run would leave for other tests.
LEFT_OPEN = """
from dbt.cli.main import dbtRunner
assert dbtRunner().invoke(["--quiet", "show", "--inline", "select 1 as x"]).success
import torch
"""


@pytest.fixture
def clones(small_copy, tmp_path) -> tuple[Path, Path]:
    """Two clones with a finished warehouse each; the first one is installed."""
    found = tmp_path / "first", tmp_path / "second"
    for clone in found:
        copy_project(clone)
        (clone / "data" / "raw").mkdir()
        shutil.copy(small_copy.database, clone / "hitparade.duckdb")
    for package in ("hitparade", "models_py"):
        shutil.copytree(ROOT / package, found[0] / package)
    return found


def start(program: list[str], folder: Path, installed: Path, **more: str):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    return subprocess.run(
        program,
        cwd=folder,
        env=environment | {"PYTHONPATH": str(installed)} | more,
        capture_output=True,
        text=True,
        timeout=300,
    )


def command(clones, folder: Path, *arguments: str, **more: str):
    """Run the installed clone's command in a folder."""
    return start([sys.executable, "-P", "-c", COMMAND, *arguments], folder, clones[0], **more)


def champion(clone: Path) -> str:
    with duckdb.connect(clone / "hitparade.duckdb", read_only=True) as connection:
        return connection.execute(CHAMPION).fetchall()[0][0]


@pytest.mark.parametrize("below", [".", "data/raw"])
def test_a_promotion_changes_the_clone_it_runs_in(clones, small_copy, below):
    first, second = clones
    before, promoted = champion(first), other(small_copy)
    result = command(clones, second / below, "promote", "hit", promoted)
    assert result.returncode == 0, result.stdout + result.stderr
    path = "hitparade.duckdb" if below == "." else second / "hitparade.duckdb"
    assert f"wrote {path}\n" in result.stdout
    assert (champion(first), champion(second)) == (before, promoted)


@pytest.mark.slow
def test_a_build_stops_if_generated_files_do_not_follow_from_the_declarations(clones):
    _, second = clones
    file = second / "tasks" / "hit.yml"
    file.write_text(file.read_text().replace("n_estimators: 200", "n_estimators: 100"))
    for arguments in (["build"], ["publish", "--select", "train_hit"]):
        result = command(clones, second, *arguments)
        assert result.returncode == 1
        said = "1 files do not follow from tasks/, such as dbt_project/models/training/generated"
        assert said in result.stdout.replace("\n", " ") + result.stderr
    result = command(clones, second, "doctor")
    assert result.returncode == 1
    assert "run `hitparade generate`" in result.stdout


@pytest.mark.slow
def test_a_build_uses_the_clone_it_runs_in(clones):
    first, second = clones
    before = (first / "hitparade.duckdb").stat()
    selection = ("--select", "song_presets", "--vars", "{hit_cut: 61}")
    result = command(clones, second / "data", "publish", *selection)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"wrote {second / 'hitparade.duckdb'}\n" in result.stdout
    assert "OK loaded seed file staging.song_presets" in result.stdout
    assert "PASS " not in result.stdout and "START" not in result.stdout
    assert (first / "hitparade.duckdb").stat() == before
    assert "PASS " in (second / "logs" / "dbt.log").read_text()


@pytest.mark.parametrize(
    "name", [None, pytest.param("songs.duckdb", marks=pytest.mark.slow), "../songs.duckdb"]
)
def test_dbt_and_the_command_use_the_same_file(clones, name):
    folder = clones[1] / "data"
    named = {"HITPARADE_DATABASE": name} if name else {}
    file = (folder / (name or "../hitparade.duckdb")).resolve()
    file.unlink(missing_ok=True)
    dbt = [sys.executable, "-P", "-m", "dbt.cli.main", "run-operation", "create_registry"]
    result = start([*dbt, "--profiles-dir", ".."], folder, clones[0], **named)
    assert result.returncode == 0, result.stdout
    assert file.is_file()
    said = command(clones, folder, "doctor", **named).stdout
    assert f"database: {file} " in said


def test_outside_a_project_the_command_names_the_next_step(clones, tmp_path):
    for words in (["promote", "hit", "any"], ["build"], ["sample"], ["watch"], ["app"]):
        result = command(clones, tmp_path, *words)
        assert result.returncode in (1, 2)
        assert f"there is no hitparade project in {tmp_path}" in result.stdout
        assert "change to your clone of hitparade" in result.stdout
    named = {"DBT_PROJECT_DIR": "second"}
    result = command(clones, tmp_path, "pin", "hit", **named)
    assert "wrote second/hitparade.duckdb\n" in result.stdout, result.stdout
    assert command(clones, tmp_path, "promote", "--help").returncode == 0


def test_dbt_closes_duckdb_before_it_exits(small_copy: Warehouse):
    """PyTorch is imported after DuckDB, as in a build that trains."""
    result = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN],
        cwd=ROOT,
        env=small_copy.environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout
    assert "nanobind" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("given", "expected"), [("3GiB", "3.0 GiB"), ("25%", None)])
def test_a_build_uses_the_memory_that_it_is_told_to(empty, given, expected):
    query = "select current_setting('memory_limit') as bytes"
    found = [
        empty.dbt("--quiet", "show", "--inline", query, HITPARADE_MEMORY=memory).stdout
        for memory in (given, "50%")
    ]
    assert found[0] != found[1]
    assert expected is None or expected in found[0]
