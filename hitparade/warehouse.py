"""Reading a finished warehouse: what tuning and benchmarks begin with."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from hitparade.raw import ROOT
from models_py.task import Task


class WarehouseError(RuntimeError):
    """A database that cannot be used as asked; the message says why and what to do."""


def database() -> Path:
    """Return the file that `HITPARADE_DATABASE` names, else hitparade.duckdb in the root."""
    named = os.environ.get("HITPARADE_DATABASE")
    return Path(named).resolve() if named else ROOT / "hitparade.duckdb"


@contextmanager
def opened(database: Path, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a finished warehouse, with one thread.

    Raises:
        WarehouseError: there is none, another program holds it, or tables are missing.
    """
    if not database.is_file():
        raise WarehouseError(f"There is no {database}: run `hitparade build`")
    try:
        connection = duckdb.connect(database, read_only=read_only, config={"threads": 1})
    except duckdb.IOException as error:
        step = "\nClose the program that has the file open." if "lock" in str(error) else ""
        raise WarehouseError(f"{error}{step}") from error
    with connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise WarehouseError(
                f"{database} is no finished warehouse of this version: run `hitparade build`\n"
                f"{error}"
            ) from error


def feature_table(connection: duckdb.DuckDBPyConnection, task: Task) -> pa.Table:
    """Return the feature table of a task."""
    return connection.sql(f"from features.feat_{task.name}").to_arrow_table()


def vocabularies(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return for each input that is a list what its places mean, in order."""
    genres = connection.sql("select genre from staging.genres order by genre").fetchall()
    return {"genres": [genre for (genre,) in genres]}


def newest_settings(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict]]:
    """Return the hyperparameters of the newest version by task and algorithm."""
    rows = connection.execute(
        "select task, algorithm, config from ml.model_versions "
        "qualify row_number() over (partition by task, algorithm order by version desc) = 1"
    ).fetchall()
    settings: dict[str, dict[str, dict]] = {}
    for task, algorithm, config in rows:
        settings.setdefault(task, {})[algorithm] = json.loads(config)
    return settings
