"""Bring the registry of a file of an earlier format to the present one: `hitparade upgrade`.

Formats, newest first:

4. Layers of a net name the activation behind them.
3. `pruned_at`; models from outside in `ml.registered_models`.
2. Calibration, confusion, seconds of training, the spread of the gain; a net in the portable lane.
1. The first.

All that a model is made from stands in its row, so an upgrade keeps the row, leaves empty what was
not measured then, and translates the ONNX graph into the present portable form anew.
"""

import hashlib
from pathlib import Path

import duckdb
import pyarrow as pa

from hitparade.pipeline.publish import draft
from hitparade.warehouse import WarehouseError, opened
from models_py import sql_backend
from models_py.registry_schema import REGISTRY_FORMAT, SCHEMA
from models_py.tasks import TRAINED


def run(database: Path) -> tuple[int, int, int]:
    """Upgrade a file in one transaction; return its format before and after, and its models.

    Raises:
        WarehouseError: the file cannot be opened, has no registry, or is of a newer format.
    """
    with opened(database) as connection:
        tables = _tables(connection)
        formats = _formats(connection, tables)
        if not formats:
            raise WarehouseError(f"{database} has no registry with models: run `hitparade build`")
        if max(formats) > REGISTRY_FORMAT:
            raise WarehouseError(
                f"the registry of {database} has format {max(formats)}, and this version knows "
                f"{REGISTRY_FORMAT}: use a newer version of hitparade"
            )
        before = min(formats)
    if before == REGISTRY_FORMAT:
        return before, before, 0
    with draft(database) as path, opened(path, read_only=False) as connection:
        connection.begin()
        rows = sum(_upgrade(connection, table) for table in tables)
        # What a build makes anew in the present form.
        connection.execute("drop table if exists ml.served_models")
        connection.commit()
    return before, REGISTRY_FORMAT, rows


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of this database that hold models."""
    names = ["registered_models", *(f"train_{task}" for task in TRAINED)]
    query = (
        "select table_name from duckdb_tables() where schema_name = 'ml' and "
        "database_name = current_database() and list_contains(?, table_name) order by table_name"
    )
    return [name for (name,) in connection.execute(query, [names]).fetchall()]


def _formats(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> set[int]:
    found: set[int] = set()
    for table in tables:
        query = f"select distinct registry_format from ml.{table}"
        found.update(number for (number,) in connection.execute(query).fetchall())
    return found


def _upgrade(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Replace a table by one of the present columns with the same models, one at a time."""
    connection.execute(f"alter table ml.{table} rename to {table}_before")
    connection.register("no_rows", SCHEMA.empty_table())
    connection.execute(f"create table ml.{table} as select * from no_rows")
    connection.unregister("no_rows")
    keys = connection.execute(f"select rowid from ml.{table}_before order by rowid").fetchall()
    for key in keys:
        found = connection.sql(f"select * from ml.{table}_before where rowid = ?", params=list(key))
        (row,) = found.to_arrow_table().to_pylist()
        connection.register("row", pa.Table.from_pylist([_upgraded(row)], SCHEMA))
        connection.execute(f"insert into ml.{table} select * from row")
        connection.unregister("row")
    connection.execute(f"drop table ml.{table}_before")
    return len(keys)


def _upgraded(row: dict) -> dict:
    """The row in the present columns; what an earlier version did not measure is empty."""
    known = {name: row.get(name) for name in SCHEMA.names}
    return known | {
        "calibration": row.get("calibration") or [],
        "confusion": row.get("confusion") or [],
        "registry_format": REGISTRY_FORMAT,
        # One that was taken back, for it did not answer as the graph does, stays away.
        "portable": _portable(row),
    }


def _portable(row: dict) -> dict | None:
    """The portable form anew, but for damaged bytes, of which a query says what is wrong."""
    content = row["onnx"]
    if row["portable"] is None or hashlib.sha256(content).hexdigest() != row["sha256"]:
        return None
    return sql_backend.translate(content)
