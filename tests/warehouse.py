"""The warehouse of a test: a database file, and dbt runs on it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests import dbt_process, tiers

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 900  # a dbt run is stopped after this time


def copy_project(folder: Path) -> Path:
    """Copy the files that dbt reads to a folder, for a test that changes them."""
    for part in ("dbt_project", "data/seeds", "tasks", "udfs", "sql", "tests/dbt"):
        shutil.copytree(ROOT / part, folder / part)
    for file in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / file, folder / file)
    return folder


@dataclass(frozen=True)
class Warehouse:
    """A database file and the folders that dbt reads and writes for it."""

    folder: Path
    project: Path = ROOT

    @property
    def database(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment variables of a program that works on this database."""
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
        tiers.refuse_build(["dbt", *arguments])
        run = dbt_process.run if self.project == ROOT else _program
        result = run(arguments, self.project, self.environment(**environment), SECONDS)
        if check and result.returncode:
            raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{result.stdout}")
        return result

    def build(self, *arguments: str, **environment: str) -> None:
        """Build without the data tests, which take half of the time."""
        self.dbt("build", *arguments, "--exclude-resource-type", "test", "unit_test", **environment)

    def query(self, sql: str) -> list[tuple]:
        """Return the rows of a query on a plain connection, that is, on the SQL backend."""
        with duckdb.connect(self.database, read_only=True) as connection:
            return connection.execute(sql).fetchall()


def _program(arguments, folder: Path, environment: dict[str, str], seconds: float):
    """Run dbt as a program: it then imports Python modules from its working directory."""
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
