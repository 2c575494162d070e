"""Bring the registry of a file of an earlier format to the present one: `hitparade upgrade`.

Formats, newest first:

3. `pruned_at`; models from outside in `ml.registered_models`.
2. Calibration, confusion, seconds of training, the spread of the gain; a net in the portable lane.
1. The first.

All that a model is made from stands in its row, so an upgrade keeps the row, leaves empty what was
not measured then, and translates the ONNX graph into the present portable form anew.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from hitparade.warehouse import WarehouseError, opened
from udfs import portable
from udfs.schema import REGISTRY_FORMAT, SCHEMA

TABLES = """
    select table_name from duckdb_tables()
    where
        database_name = current_database() and schema_name = 'ml'
        and (starts_with(table_name, 'train_') or table_name = 'registered_models')
    order by table_name
"""


def run(database: Path) -> tuple[int, int, int]:
    """Upgrade a file in one transaction; return its format before and after, and its models.

    Raises:
        WarehouseError: the file cannot be opened, has no registry, or is of a newer format.
    """
    with opened(database, read_only=False) as connection:
        tables = [name for (name,) in connection.execute(TABLES).fetchall()]
        before = _format(connection, tables)
        if before is None:
            raise WarehouseError(f"{database} has no registry with models: run `hitparade build`")
        if before > REGISTRY_FORMAT:
            raise WarehouseError(
                f"the registry of {database} has format {before}, and this version knows "
                f"{REGISTRY_FORMAT}: use a newer version of hitparade"
            )
        if before == REGISTRY_FORMAT:
            return before, before, 0
        with connection.cursor() as transaction:
            transaction.begin()
            rows = sum(_upgrade(transaction, table) for table in tables)
            # What a build makes anew in the present form.
            transaction.execute("drop table if exists ml.served_models")
            transaction.commit()
    return before, REGISTRY_FORMAT, rows


def _format(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> int | None:
    formats = [
        connection.execute(f"select max(registry_format) from ml.{table}").fetchall()[0][0]
        for table in tables
    ]
    return min((found for found in formats if found is not None), default=None)


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
    content = row["onnx"]
    return known | {
        "calibration": row.get("calibration") or [],
        "confusion": row.get("confusion") or [],
        "registry_format": REGISTRY_FORMAT,
        "portable": None if content is None else portable.translate(content),
    }
