"""Run dbt in a fork of a process that has imported it: importing takes longer than most runs.

Run as a program, this module is that process. It reads each run as a line of JSON and answers with
the exit status.
"""

import atexit
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARSED = "partial_parse.msgpack"


def run(
    arguments: Sequence[str], folder: Path, environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess:
    """Run dbt in the given folder and environment."""
    target = Path(environment["DBT_TARGET_PATH"])
    output = target / "output.txt"
    _begin_with_known(target, environment)
    server = _server()
    server.stdin.write(json.dumps([arguments, str(folder), environment, str(output)]) + "\n")
    server.stdin.flush()
    is_done, _, _ = select.select([server.stdout], [], [], seconds)
    if not is_done:
        _server.cache_clear()
        _stop(server)
        raise subprocess.TimeoutExpired(["dbt", *arguments], seconds, output.read_text())
    status = int(server.stdout.readline())
    _keep(target, environment)
    return subprocess.CompletedProcess(["dbt", *arguments], status, output.read_text(), "")


def _begin_with_known(target: Path, environment: dict[str, str]) -> None:
    """Give a new target folder the results of an earlier parse, of which dbt uses what still holds.

    Parsing all files takes longer than most runs.
    """
    target.mkdir(parents=True, exist_ok=True)
    known = _known(environment)
    if known.exists() and not (target / PARSED).exists():
        shutil.copy(known, target / PARSED)


def _keep(target: Path, environment: dict[str, str]) -> None:
    if (target / PARSED).exists() and not _known(environment).exists():
        shutil.copy(target / PARSED, _known(environment))


def _known(environment: dict[str, str]) -> Path:
    """Return the file of the parse results that are kept; another profile has others."""
    return _folder() / Path(environment.get("DBT_PROFILES_DIR", "own")).name


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hitparade_parsed_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _server() -> subprocess.Popen:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.dbt_process"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(_stop, server)
    return server


def _stop(server: subprocess.Popen) -> None:
    if server.poll() is None:
        os.killpg(server.pid, 9)
        server.communicate()


def _serve() -> None:
    import dbt.cli.main

    with suppress(ImportError):  # of the extra snowflake
        import dbt.adapters.snowflake
    import hitparade.plugin  # noqa: F401
    import models_py.runs  # noqa: F401

    _parse_once_for_all_files()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            arguments, folder, environment, output = json.loads(line)
            _become(folder, environment, output)
            dbt.cli.main.cli(arguments, prog_name="dbt")
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(folder: str, environment: dict[str, str], output: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with open(output, "w") as file, open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _parse_once_for_all_files() -> None:
    """Let dbt reuse its parse results for another database file: no node depends on the path."""
    from dbt.adapters.duckdb import DuckDBCredentials

    keys = DuckDBCredentials._connection_keys
    DuckDBCredentials._connection_keys = lambda self: tuple(k for k in keys(self) if k != "path")


if __name__ == "__main__":
    _serve()
