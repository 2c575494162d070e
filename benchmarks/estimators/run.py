"""Run the cases in several processes, each with its own copy of the database."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console

from benchmarks import BenchError
from benchmarks.estimators.cases import Case
from benchmarks.estimators.measure import Registry, failed, measured
from hitparade.warehouse import opened

# What a process keeps from one case to the next.
_cases: dict[tuple[str, str], Case] = {}
_registries: list[Registry] = []


def cases() -> list[Case]:
    """Every case. The libraries that make them are imported here, which takes seconds."""
    from benchmarks.estimators import boosting, files, nets, pipelines, scikit

    return [
        case for family in (scikit, boosting, pipelines, files, nets) for case in family.cases()
    ]


def run(
    database: Path, pattern: str = "", processes: int = 2, console: Console | None = None
) -> list[dict[str, Any]]:
    """Measure the cases whose family and name match a pattern.

    Args:
        database: a finished warehouse; it is copied.
        pattern: a regular expression, such as `^XGBoost`.
        processes: number of processes.
        console: shows the progress; None shows nothing.

    Returns:
        A row for each case, see `measure.FIELDS`.

    Raises:
        WarehouseError: there is no finished warehouse.
        BenchError: no case matches.
    """
    say = console or Console(quiet=True)
    with opened(database) as connection:
        connection.execute("from ml.registered_models limit 0")  # an error if it is not finished
    chosen = [case for case in cases() if re.search(pattern, f"{case.family}: {case.name}")]
    if not chosen:
        raise BenchError(f"no case matches {pattern!r}: see docs/reference/estimators.md")
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, OMP_NUM_THREADS="1"),  # the processes share the cores
        ProcessPoolExecutor(
            processes, get_context("spawn"), _begin, (str(database), folder)
        ) as pool,
        say.status("") as status,
    ):
        waiting = {pool.submit(_measured, case.family, case.name): case for case in chosen}
        rows = {}
        for number, (case, row) in enumerate(_ended(waiting), 1):
            rows[case.family, case.name] = row
            status.update(f"{number} of {len(chosen)}: {case.family}, {case.name}")
    return [rows[case.family, case.name] for case in chosen]


def _ended(waiting: dict[Future, Case]) -> Iterator[tuple[Case, dict[str, Any]]]:
    for future in as_completed(waiting):
        case = waiting[future]
        error = future.exception()  # such as the death of the process
        yield case, failed(case, error) if error else future.result()


def _begin(database: str, folder: str) -> None:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)  # warnings about the shapes that converters write
    copied = shutil.copy(database, Path(folder, f"{os.getpid()}.duckdb"))
    _registries.append(Registry(Path(copied)))
    _cases.update({(case.family, case.name): case for case in cases()})


def _measured(family: str, name: str) -> dict[str, Any]:
    return measured(_registries[0], _cases[family, name])
