"""Open a finished warehouse, and read what commands, tuning and benchmarks need from it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

if TYPE_CHECKING:  # the import is slow, and a build on unchanged inputs does not need it
    from models_py.tasks import Task

# A question mark begins parameters, and a backslash is a folder's end.
MISTAKEN = ("?",) if os.name == "nt" else ("?", "\\")
DAMAGED = (
    "The file is damaged, or not a database: restore a copy of it. Or move it and its .wal file "
    "away, and run `hitparade build`, which creates a new one."
)
# The next step for each error, by words in DuckDB's message.
STEPS = {
    "Could not set lock": "Close the program that has the file open.",
    "Could not write": "Free disk space, and run it again.",
    "Permission denied": "Get write permission for the file and its folder.",
    "not a valid DuckDB database": DAMAGED,
    "Corrupt": DAMAGED,
    "Could not read enough bytes": DAMAGED,
    "Serialization Error": DAMAGED,
}


class WarehouseError(RuntimeError):
    """The database cannot be used; the message says why and what to do."""


def connect(database: Path | str, **options: Any) -> duckdb.DuckDBPyConnection:
    """Connect to a database file.

    Raises:
        WarehouseError: another program has the file open, it is damaged, or access is denied; or
            DuckDB would look for its log under another name.
    """
    if wrong := [sign for sign in MISTAKEN if sign in str(database)]:
        raise WarehouseError(
            f"DuckDB cannot write {database}: it takes {wrong[0]} in a path for something else. "
            "Set HITPARADE_DATABASE to a path without it"
        )
    try:
        return duckdb.connect(database, **options)
    except duckdb.Error as error:
        raise _explained(error) from error


def _explained(error: duckdb.Error) -> WarehouseError:
    steps = [step for words, step in STEPS.items() if words in str(error)]
    return WarehouseError("\n".join([str(error), *steps[:1]]))


@contextmanager
def opened(database: Path, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a finished warehouse with one thread.

    Raises:
        WarehouseError: it does not exist, cannot be opened or read, or lacks tables.
    """
    if not database.is_file():
        raise WarehouseError(f"There is no {database}: run `hitparade build`")
    with connect(database, read_only=read_only, config={"threads": 1}) as connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise WarehouseError(
                f"{database} is not a finished warehouse of this version: run `hitparade build`; "
                "if an earlier version made it, run `hitparade upgrade` first\n"
                f"{error}"
            ) from error
        except duckdb.Error as error:
            raise _explained(error) from error


def rows_of(result: duckdb.DuckDBPyConnection) -> list[dict]:
    """Return the rows of a query by column name."""
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def feature_table(connection: duckdb.DuckDBPyConnection, task: "Task") -> pa.Table:
    """Return the feature table of a task."""
    return connection.sql(f"from features.feat_{task.name}").to_arrow_table()


def vocabularies(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return the vocabulary of each input that is a list, in order."""
    genres = connection.sql("select genre from staging.genres order by genre").fetchall()
    return {"genres": [genre for (genre,) in genres]}


def newest_settings(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict]]:
    """Return the hyperparameters of the newest versions, by task and algorithm."""
    rows = connection.execute(
        "select task, algorithm, config from ml.model_versions where origin = 'trained' "
        "qualify row_number() over (partition by task, algorithm order by version desc) = 1"
    ).fetchall()
    settings: dict[str, dict[str, dict]] = {}
    for task, algorithm, config in rows:
        settings.setdefault(task, {})[algorithm] = json.loads(config)
    return settings
