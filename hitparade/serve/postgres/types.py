"""PostgreSQL's type for each type of DuckDB."""

from dataclasses import dataclass
from typing import Any

from pg_mimic import types as pg
from pg_mimic.arrays import ARRAY_OID


@dataclass(frozen=True)
class PostgresType:
    """A type as a RowDescription names it."""

    oid: int
    typmod: int = -1
    size: int = -1
    fields: tuple = ()


_S = {
    "boolean": (pg.BOOL, 1),
    "tinyint": (pg.INT2, 2),
    "utinyint": (pg.INT2, 2),
    "smallint": (pg.INT2, 2),
    "integer": (pg.INT4, 4),
    "usmallint": (pg.INT4, 4),
    "bigint": (pg.INT8, 8),
    "uinteger": (pg.INT8, 8),
    "hugeint": (pg.NUMERIC, -1),
    "ubigint": (pg.NUMERIC, -1),
    "uhugeint": (pg.NUMERIC, -1),
    "float": (pg.FLOAT4, 4),
    "double": (pg.FLOAT8, 8),
    "blob": (pg.BYTEA, -1),
    "date": (pg.DATE, 4),
    "time": (pg.TIME, 8),
    "timestamp": (pg.TIMESTAMP, 8),
    "timestamp_ns": (pg.TIMESTAMP, 8),
    "timestamp_ms": (pg.TIMESTAMP, 8),
    "timestamp_s": (pg.TIMESTAMP, 8),
    "timestamp with time zone": (pg.TIMESTAMPTZ, 8),
    "interval": (pg.INTERVAL, 16),
    "uuid": (pg.UUID, 16),
}


def postgres_type(kind: Any, composite: bool = False) -> PostgresType:
    """TODO stub until the catalog branch is merged."""
    text = str(kind)
    if text.lower() in _S:
        return PostgresType(_S[text.lower()][0], -1, _S[text.lower()][1])
    if kind.id == "decimal":
        p, s = (c[1] for c in kind.children)
        return PostgresType(pg.NUMERIC, (p << 16 | s) + 4)
    if kind.id in ("list", "array"):
        e = postgres_type(kind.children[0][1])
        if e.oid in ARRAY_OID and e.oid not in (pg.JSON,):
            return PostgresType(ARRAY_OID[e.oid])
        return PostgresType(pg.JSON)
    if kind.id in ("struct", "map", "union", "variant") or text == "JSON":
        if composite and kind.id == "struct":
            return PostgresType(
                pg.RECORD, fields=tuple((n, postgres_type(k, True)) for n, k in kind.children)
            )
        return PostgresType(pg.JSON)
    return PostgresType(pg.TEXT)
