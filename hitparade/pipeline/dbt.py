"""Run dbt as a program in the root of the project."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Timer

from hitparade import project
from hitparade.pipeline import progress

# Variables with paths relative to the working directory, which differs between dbt and its caller.
FOLDERS = (
    *("HITPARADE_DATABASE", "HITPARADE_RAW", "HITPARADE_SAMPLE"),
    *("DBT_PROFILES_DIR", "DBT_ENGINE_PROFILES_DIR", "DBT_LOG_PATH", "DBT_ENGINE_LOG_PATH"),
)
# The console gets JSON lines to summarize for people; the log file has dbt's full text.
FORMATS = ("--log-format", "json", "--log-format-file", "debug")
# Seconds that dbt has to exit by itself after Ctrl-C.
GRACE = 5


def run(*arguments: str, **environment: str) -> bool:
    """Run dbt, print its progress, and return whether it succeeded.

    Args:
        arguments: arguments of dbt.
        environment: additional environment variables.

    Raises:
        ProjectError: there is no project to run dbt in.
        KeyboardInterrupt: the user pressed Ctrl-C; dbt has exited by then.
    """
    with subprocess.Popen(
        [program(), *FORMATS, *arguments],
        cwd=project.root(),
        env=from_root(os.environ | environment),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            _follow(process)
        except BaseException:
            process.kill()
            raise
    return process.returncode == 0


def _follow(process: subprocess.Popen) -> None:
    assert process.stdout  # it is a pipe
    try:
        progress.show(process.stdout or ())
    except KeyboardInterrupt:  # the terminal sent it to dbt as well, so wait until dbt has exited
        end = Timer(GRACE, process.kill)
        end.start()
        progress.show(process.stdout or ())
        process.wait()
        end.cancel()
        raise


def program() -> Path:
    """Return the path of the dbt program."""
    return Path(sys.executable).with_name("dbt")


def from_root(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program in the project's root, with its paths made absolute."""
    given = {name: environment[name] for name in FOLDERS if environment.get(name, "0") != "0"}
    given = {name: str(Path(value).resolve()) for name, value in given.items() if value}
    colors = {} if sys.stdout.isatty() else {"DBT_USE_COLORS": "false"}
    return {**colors, **environment, **given, project.VARIABLES[0]: str(project.root())}
