"""Running dbt as a program, in the root of the repository."""

import os
import subprocess
import sys
from pathlib import Path

from hitparade.sources.raw import ROOT

FOLDERS = ("HITPARADE_DATABASE", "HITPARADE_RAW", "HITPARADE_SAMPLE")


def run(*arguments: str, **environment: str) -> bool:
    """Run dbt with arguments and more environment; return whether all of it succeeded."""
    result = subprocess.run(
        [Path(sys.executable).with_name("dbt"), *arguments],
        cwd=ROOT,
        env=os.environ | _from_root() | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    sys.stderr.write("".join(without_leak_report(result.stderr)))
    return result.returncode == 0


def _from_root() -> dict[str, str]:
    """The files and folders that the environment names, as they are named from the root."""
    given = {name: os.environ[name] for name in FOLDERS if os.environ.get(name, "0") != "0"}
    if Path.cwd() != ROOT:
        given = {name: str(Path(value).resolve()) for name, value in given.items()}
    return given


def without_leak_report(text: str) -> list[str]:
    """The lines but for what DuckDB's Python binding says of its own objects at exit."""
    noise = ("nanobind: ", " - leaked ", " - ... skipped ", "See https://nanobind.")
    return [line for line in text.splitlines(keepends=True) if not line.startswith(noise)]
