"""`hitparade upgrade`: bring the registry of a file from an earlier format to the present one.

Formats, newest first:

7. Registered models keep examples.
6. Registered models say what their scores mean and which inputs may be missing; thresholds of trees
   are float64.
5. A training that was refused has a row with the reason; errors of a single split name the number
   of held-out groups.
4. Each layer of a net names its activation.
3. `pruned_at`; models from outside in `ml.registered_models`.
2. Calibration, confusion, seconds of training, standard error of the gain; nets in the SQL backend.
1. The first format.

A row has everything that its model is made from. An upgrade keeps the row, leaves columns empty
that were not measured then, and translates the ONNX graph into the present SQL form.
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
    """Upgrade a file in one transaction; return the old format, the new one, and the model count.

    Raises:
        WarehouseError: the file cannot be opened, has no registry, or has a newer format.
    """
    with opened(database) as connection:
        tables = _tables(connection)
        formats = _formats(connection, tables) or _formats_of_columns(connection, tables)
        if not formats:
            raise WarehouseError(f"{database} has no registry with models: run `hitparade build`")
        if max(formats) > REGISTRY_FORMAT:
            raise WarehouseError(
                f"the registry of {database} has format {max(formats)}, and this version supports "
                f"{REGISTRY_FORMAT}: use a newer version of hitparade"
            )
        before = min(formats)
    if before == REGISTRY_FORMAT:
        return before, before, 0
    with draft(database) as path, opened(path, read_only=False) as connection:
        connection.begin()
        rows = sum(_upgrade(connection, table) for table in tables)
        # The next build creates this table in the present format.
        connection.execute("drop table if exists ml.served_models")
        connection.commit()
    return before, REGISTRY_FORMAT, rows


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the tables of this database that hold models."""
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


def _formats_of_columns(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> set[int]:
    """Return an earlier format if tables without rows have other columns than the present one."""
    for table in tables:
        found = connection.execute(f"describe ml.{table}").fetchall()
        if {name for name, *_ in found} != set(SCHEMA.names):
            return {REGISTRY_FORMAT - 1}
    return set()


def _upgrade(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Replace a table with one that has the present columns, copying one model at a time."""
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
    """Return a row with the present columns; those that were not measured then are empty."""
    known = {name: row.get(name) for name in SCHEMA.names}
    return known | {
        "calibration": row.get("calibration") or [],
        "confusion": row.get("confusion") or [],
        "registry_format": REGISTRY_FORMAT,
        # A SQL form that was dropped because its answers differed is not made again.
        "portable": _portable(row),
    }


def _portable(row: dict) -> dict | None:
    """Translate a graph into the SQL form again, if the row has one and its bytes are intact."""
    content = row["onnx"]
    if row["portable"] is None or hashlib.sha256(content).hexdigest() != row["sha256"]:
        return None
    return sql_backend.translate(content)
