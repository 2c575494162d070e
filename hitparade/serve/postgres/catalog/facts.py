"""What PostgreSQL 15's own catalogs contain, from the files that facts/obtain.sql makes."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "facts"

_NUMBERS = ("oid", "xid", "cid", "xid8", "regproc", "regtype", "regclass")
_DUCKDB_TYPES = {
    **dict.fromkeys(_NUMBERS, "BIGINT"),
    "bool": "BOOLEAN",
    "bytea": "BLOB",
    "cardinal_number": "INTEGER",
    "date": "DATE",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "interval": "INTERVAL",
    "numeric": "DECIMAL(38, 9)",
    "time_stamp": "TIMESTAMPTZ",
    "timestamptz": "TIMESTAMPTZ",
    "int2vector": "SMALLINT[]",
    "oidvector": "BIGINT[]",
}
# What a NOT NULL column has where a row says nothing.
_DEFAULTS = {"bool": "false", "name": "''", "char": "''", "text": "''"}


@dataclass(frozen=True)
class Relation:
    """A relation of pg_catalog or information_schema, with its columns and their types in order."""

    schema: str
    name: str
    columns: dict[str, str]
    required: frozenset[str]

    def statement(self, table: str) -> str:
        """The statement that creates it, empty."""
        columns = (
            f'"{name}" {duckdb_type(of)}{self._default(name, of)}'
            for name, of in self.columns.items()
        )
        return f"create table {table} ({', '.join(columns)});"

    def _default(self, name: str, of: str) -> str:
        if name not in self.required or of.startswith("_") or of.endswith("vector"):
            return ""
        return f" default {_DEFAULTS.get(of, '0')}"


def duckdb_type(name: str) -> str:
    """The DuckDB type that holds values of a PostgreSQL type; text where there is no other."""
    if name.startswith("_"):
        return f"{duckdb_type(name[1:])}[]"
    return _DUCKDB_TYPES.get(name, "VARCHAR")


@cache
def relations() -> dict[tuple[str, str], Relation]:
    """All relations of PostgreSQL's catalogs, by schema and name."""
    with (FOLDER / "relations.csv").open(newline="", encoding="utf-8") as file:
        return {(row["schema"], row["name"]): _relation(row) for row in csv.DictReader(file)}


def _relation(row: dict[str, str]) -> Relation:
    columns, required = {}, set()
    for text in row["columns"].split():
        name, _, of = text.partition(":")
        columns[name] = of.rstrip("!")
        if of.endswith("!"):
            required.add(name)
    return Relation(row["schema"], row["name"], columns, frozenset(required))


@cache
def type_ids() -> dict[str, int]:
    """The ids of PostgreSQL's types, by name."""
    with (FOLDER / "types.csv").open(newline="", encoding="utf-8") as file:
        return {row["typname"]: int(row["oid"]) for row in csv.DictReader(file)}


@cache
def elements() -> dict[int, int]:
    """The ids of the elements of PostgreSQL's array types, by the id of the array."""
    with (FOLDER / "types.csv").open(newline="", encoding="utf-8") as file:
        return {
            int(row["oid"]): int(row["typelem"])
            for row in csv.DictReader(file)
            if row["typcategory"] == "A" and row["typlen"] == "-1" and row["typelem"] != "0"
        }


@cache
def settings() -> dict[str, str]:
    """PostgreSQL's defaults of the settings that clients ask for, by lower-case name."""
    with (FOLDER / "settings.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"].lower(): row["setting"] for row in csv.DictReader(file)}
