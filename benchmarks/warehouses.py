"""Temporary warehouses: a folder with `sample` and `raw`, in which dbt builds a database."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import BenchError, measured
from hitparade import project

DATABASE = "bench.duckdb"
# The lines of a program's output that an error shows.
LAST_LINES = 30


def dbt(folder: Path, words: Sequence[str], advice: str) -> dict[str, float]:
    """Run dbt on the warehouse of a folder; all files that dbt writes stay in this folder.

    Args:
        folder: of the warehouse.
        words: arguments of dbt.
        advice: what to do if dbt fails, for the error message.

    Returns:
        `seconds` and `peak_memory_mb` of the dbt process, and `database_mb` afterwards.

    Raises:
        BenchError: dbt failed; the message has its last lines and the advice.
    """
    (folder / "raw").mkdir(exist_ok=True)
    own = {
        "HITPARADE_DATABASE": folder / DATABASE,
        "HITPARADE_RAW": folder / "raw",
        "HITPARADE_SAMPLE": folder / "sample",
        "DBT_TARGET_PATH": folder / "target",
        "DBT_LOG_PATH": folder / "logs",
        "DBT_USE_COLORS": "false",
    }
    program = Path(sys.executable).with_name("dbt")
    found = measure(folder, [program, *words], advice, own)
    return found | {"database_mb": (folder / DATABASE).stat().st_size / 1e6}


def measure(
    folder: Path, command: Sequence, advice: str, environment: dict | None = None
) -> dict[str, float]:
    """Run a command in the root of the project; return its `seconds` and `peak_memory_mb`.

    Args:
        folder: gets the output of the command.
        command: the program and its arguments.
        advice: what to do if it fails, for the error message.
        environment: additional environment variables.

    Raises:
        BenchError: it failed; the message has its last lines and the advice.
    """
    output, found = folder / "output.txt", folder / "measured.json"
    own = {key: str(value) for key, value in (environment or {}).items()}
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-I", measured.__file__, found, *command],
            cwd=project.root(),
            env=os.environ | own,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
    if code:
        lines = output.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
        raise BenchError("\n".join(lines) + f"\nThe benchmark stopped, see above: {advice}")
    return json.loads(found.read_text())
