"""Benchmarks: the speed of the models, their quality, and what a build costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


class BenchError(RuntimeError):
    """A benchmark that cannot run; the message says why and what to do."""


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a finished warehouse for reading, with one thread.

    Raises:
        BenchError: there is none, another program writes to it, or tables are missing.
    """
    if not database.is_file():
        raise BenchError(f"There is no {database}: run `hitparade build`")
    try:
        connection = duckdb.connect(database, read_only=True, config={"threads": 1})
    except duckdb.IOException as error:
        step = "\nClose the program that has the file open." if "lock" in str(error) else ""
        raise BenchError(f"{error}{step}") from error
    with connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise BenchError(
                f"{database} is no finished warehouse of this version: run `hitparade build`\n"
                f"{error}"
            ) from error
