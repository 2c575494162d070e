"""Fixtures: a sample, a warehouse built from it, and the real files where they are at hand."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

import udfs
from hitparade.sample import write_sample

# Threads of models this small wait for each other, on a busy machine for minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
REAL_FILES = ROOT.parent / "shared" / "data"


def copy_of_the_project(folder: Path) -> Path:
    """Copy what dbt reads to a folder, for a test that changes it."""
    for part in ("dbt_project", "data/seeds", "tasks", "udfs", "sql", "tests/dbt"):
        shutil.copytree(ROOT / part, folder / part)
    for file in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / file, folder / file)
    return folder


@dataclass(frozen=True)
class Warehouse:
    """A database file and the folders that a dbt run of its own reads and writes."""

    folder: Path
    project: Path = ROOT

    @property
    def database(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a program that works on this database."""
        self.raw.mkdir(exist_ok=True)
        own = {
            "HITPARADE_DATABASE": str(self.database),
            "HITPARADE_RAW": str(self.raw),
            "HITPARADE_SAMPLE": "0",
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_USE_COLORS": "false",
        }
        return os.environ | own | more

    def dbt(self, *arguments: str, check: bool = True, **environment: str):
        """Run dbt in the root of its project against this database."""
        result = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", *arguments],
            cwd=self.project,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=900,
        )
        if check and result.returncode:
            raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{result.stdout}")
        return result

    def query(self, sql: str) -> list[tuple]:
        """Return the rows of a query on a plain connection: the portable lane."""
        with duckdb.connect(self.database, read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """The sample at its default size."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


@pytest.fixture(scope="session")
def warehouse(sample, tmp_path_factory) -> Warehouse:
    """A finished warehouse of the sample, for tests that only read it."""
    built = Warehouse(tmp_path_factory.mktemp("warehouse"))
    built.dbt("build", HITPARADE_SAMPLE=str(sample))
    return built


@pytest.fixture
def copy(warehouse, tmp_path) -> Warehouse:
    """A copy of the finished warehouse, for a test that changes it."""
    shutil.copytree(warehouse.folder, tmp_path, dirs_exist_ok=True)
    return Warehouse(tmp_path)


@pytest.fixture
def empty(tmp_path) -> Warehouse:
    """No database yet, and no raw files: for a test that builds its own."""
    return Warehouse(tmp_path)


@pytest.fixture(params=["portable", "runtime"])
def connection(request, warehouse):
    """A read-only connection to the finished warehouse, once in each lane."""
    with duckdb.connect(warehouse.database, read_only=True) as opened:
        if request.param == "runtime":
            udfs.register(opened)
        yield opened


@pytest.fixture
def runtime(warehouse):
    """A read-only connection to the finished warehouse, with the runtime."""
    with duckdb.connect(warehouse.database, read_only=True) as opened:
        udfs.register(opened)
        yield opened


@pytest.fixture
def portable(warehouse):
    """A read-only connection to the finished warehouse, without anything of ours."""
    with duckdb.connect(warehouse.database, read_only=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The published files; they are not ours to ship."""
    if not (REAL_FILES / "spotify-2023.csv").is_file():
        pytest.skip(f"the published files are not in {REAL_FILES}")
    return REAL_FILES


@pytest.fixture(scope="session")
def small_sample(tmp_path_factory) -> Path:
    """A sample just large enough to train on, for tests that build a warehouse of their own."""
    folder = tmp_path_factory.mktemp("small_sample")
    write_sample(folder, songs=200, tracks=2_000, only={"chart_songs", "tracks"})
    # Without a slice `hitparade build` would write a sample here; an empty playlist is too little
    # to train a model of the next song, which takes longer than all others.
    playlist = {"pid": 0, "name": "empty", "collaborative": "false", "tracks": []}
    (folder / "mpd.slice.0-0.json").write_text(json.dumps({"playlists": [playlist]}))
    return folder


@pytest.fixture(scope="session")
def small_warehouse(small_sample, tmp_path_factory) -> Warehouse:
    """A finished warehouse of the small sample."""
    built = Warehouse(tmp_path_factory.mktemp("small_warehouse"))
    built.dbt("build", HITPARADE_SAMPLE=str(small_sample))
    return built


@pytest.fixture
def small_copy(small_warehouse, tmp_path) -> Warehouse:
    """A copy of the small warehouse, for a test that builds on it."""
    shutil.copytree(small_warehouse.folder, tmp_path, dirs_exist_ok=True)
    return Warehouse(tmp_path)
