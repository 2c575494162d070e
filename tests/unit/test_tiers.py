"""Quick tests do not build, and shared folders are made once."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hitparade import cli
from tests import shared, tiers
from tests.warehouse import Warehouse

PROGRAMS = [
    ["dbt", "build"],
    [sys.executable, "-m", "dbt.cli.main", "run", "--select", "dim_tracks"],
    [Path(sys.executable).with_name("hitparade"), "build"],
]


@pytest.mark.parametrize("program", PROGRAMS, ids=["dbt", "module", "command"])
def test_a_quick_test_that_starts_a_build_fails(program):
    with pytest.raises(tiers.BuildInQuickTestError, match="or mark it slow"):
        subprocess.run(program)


def test_a_quick_test_that_builds_in_process_fails(tmp_path, monkeypatch):
    with pytest.raises(tiers.BuildInQuickTestError):
        Warehouse(tmp_path).dbt("build")
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "songs.duckdb"))
    result = CliRunner().invoke(cli.app, ["build"])
    assert isinstance(result.exception, tiers.BuildInQuickTestError)


def test_a_quick_test_may_run_commands_that_do_not_build():
    tiers.refuse_build(["dbt", "run-operation", "promote"])
    tiers.refuse_build([sys.executable, "-c", "build"])


@pytest.mark.slow
def test_a_slow_test_may_build():
    tiers.refuse_build(["dbt", "build"])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A separate cache, for one state of the sources."""
    monkeypatch.setattr(shared, "CACHE", tmp_path)
    monkeypatch.setenv(shared.KEY, "this")
    shared.begin()
    return tmp_path


def test_a_shared_folder_is_made_once_until_a_test_writes_to_it(cache):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "file").write_text("made")

    assert shared.once("name", make) == shared.once("name", make) == cache / "this" / "name"
    assert len(made) == 1
    assert shared.is_untouched("name")
    (made[0] / "file").write_text("written")
    assert not shared.is_untouched("name")
    assert (shared.once("name", make) / "file").read_text() == "made"
    assert len(made) == 2


def test_an_unfinished_folder_is_made_again(cache):
    def fail(folder):
        (folder / "half").touch()
        raise ValueError

    with pytest.raises(ValueError):
        shared.once("name", fail)
    assert not [*shared.once("name", lambda folder: None).iterdir()]


def test_folders_of_other_states_are_deleted_unless_in_use(cache, monkeypatch):
    (cache / "stale").mkdir()
    monkeypatch.setenv(shared.KEY, "other")
    shared.begin()
    assert {path.name for path in cache.iterdir()} == {"this", "other"}


def test_a_changed_source_changes_the_hash(monkeypatch, tmp_path):
    monkeypatch.setattr(shared, "ROOT", tmp_path)
    (tmp_path / "udfs").mkdir()
    hashes = [shared.hash_of_sources()]
    for text in ("one", "two"):
        (tmp_path / "udfs" / "file.py").write_text(text)
        hashes.append(shared.hash_of_sources())
    assert len(set(hashes)) == 3
