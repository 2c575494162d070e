"""Fixtures: an emulated Snowflake account, and the same sample built there and in DuckDB."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests import dbt_process
from tests.warehouse import ROOT, SECONDS, Warehouse

connector = pytest.importorskip("snowflake.connector", reason="the extra snowflake is not there")
pytest.importorskip("fakesnow", reason="the extra test is not there")

# As in profiles.yml, but for a server without accounts.
PROFILE = """
hitparade:
  target: snowflake
  outputs:
    snowflake:
      type: snowflake
      host: 127.0.0.1
      port: {port}
      protocol: http
      insecure_mode: true
      account: emulated
      user: any
      password: any
      role: hitparade
      warehouse: hitparade
      database: "{{{{ env_var('EMULATED_DATABASE', 'hitparade') }}}}"
      schema: emulated # fakesnow keeps the schema main to itself
      threads: 2
"""


@dataclass(frozen=True)
class Emulator:
    """An emulated account, and the folder that dbt reads and writes for it."""

    folder: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point dbt to this account."""
        return {
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_USE_COLORS": "false",
            "DBT_PROFILES_DIR": str(self.folder),
        }

    def dbt(self, *arguments: str, check: bool = True, **environment: str):
        """Run dbt on this account."""
        given = os.environ | self.environment | environment
        return self._checked(dbt_process.run(arguments, ROOT, given, SECONDS), check)

    def hitparade(self, *arguments: str, **environment: str):
        """Run a `hitparade` command on this account."""
        command = [str(Path(sys.executable).with_name("hitparade")), *arguments]
        # Connection errors would be retried for a long time.
        result = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return self._checked(result, True)

    def _checked(self, result: subprocess.CompletedProcess, check: bool):
        if check and result.returncode:
            log = (self.folder / "emulator.log").read_text()[-3000:]
            raise AssertionError(f"{' '.join(result.args)} failed:\n{result.stdout}\n{log}")
        return result

    def connect(self):
        """Return a connection like that of any client."""
        return connector.connect(
            host="127.0.0.1",
            port=self.port,
            protocol="http",
            account="emulated",
            user="any",
            password="any",
            database="hitparade",
            schema="emulated",
            login_timeout=20,
        )

    def query(self, sql: str) -> list[tuple]:
        """Return the rows of a query."""
        with self.connect() as connection:
            return connection.cursor().execute(sql).fetchall()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory) -> Iterator[Emulator]:
    """A running emulator."""
    folder = tmp_path_factory.mktemp("snowflake")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "profiles.yml").write_text(PROFILE.format(port=port))
    with open(folder / "emulator.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.snowflake.emulator", str(port)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(folder)},  # fakesnow stores the files on stages there
            stdout=log,
            stderr=log,
        )
    try:
        _wait(server, port)
        yield Emulator(folder, port)
    finally:
        server.kill()
        server.wait()


def _wait(server: subprocess.Popen, port: int) -> None:
    for _ in range(120):
        assert server.poll() is None, "the emulator ended"
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError("the emulator does not answer")


@pytest.fixture(scope="session")
def local(warehouse_with_playlists) -> Warehouse:
    """The sample with playlists, built in DuckDB."""
    return warehouse_with_playlists


@pytest.fixture(scope="session")
def sources(sample_with_playlists, tmp_path_factory) -> dict[str, str]:
    """The variables that name the sample and a folder without raw files."""
    nothing = tmp_path_factory.mktemp("no_raw_files")
    return {"HITPARADE_SAMPLE": str(sample_with_playlists), "HITPARADE_RAW": str(nothing)}


@pytest.fixture(scope="session")
def loaded(emulator, sources) -> Emulator:
    """The emulated account with the sample in its raw tables."""
    emulator.hitparade("load", **sources)
    return emulator


@pytest.fixture(scope="session")
def built(loaded, sources) -> Emulator:
    """The emulated account with a finished warehouse, whose data was loaded twice."""
    loaded.hitparade("build", "--target", "snowflake", **sources)
    return loaded


@pytest.fixture
def sql_backend(local):
    """A read-only connection to the DuckDB warehouse."""
    with duckdb.connect(local.database, read_only=True) as opened:
        yield opened
