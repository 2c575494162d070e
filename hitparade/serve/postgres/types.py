"""Which PostgreSQL type stands for a type of DuckDB."""

from functools import lru_cache
from typing import NamedTuple

from pg_mimic import types as codes
from pg_mimic.arrays import ARRAY_OID

TIMETZ = 1266
NO_MODIFIER = -1
# The modifier of numeric packs precision and scale, and counts from the size of a header.
_HEADER = 4

_SCALARS = {
    "BOOLEAN": codes.BOOL,
    "TINYINT": codes.INT2,
    "UTINYINT": codes.INT2,
    "SMALLINT": codes.INT2,
    "USMALLINT": codes.INT4,
    "INTEGER": codes.INT4,
    "UINTEGER": codes.INT8,
    "BIGINT": codes.INT8,
    "UBIGINT": codes.NUMERIC,
    "HUGEINT": codes.NUMERIC,
    "UHUGEINT": codes.NUMERIC,
    "BIGNUM": codes.NUMERIC,
    "FLOAT": codes.FLOAT4,
    "DOUBLE": codes.FLOAT8,
    "VARCHAR": codes.TEXT,
    "BLOB": codes.BYTEA,
    "DATE": codes.DATE,
    "TIME": codes.TIME,
    "TIME_NS": codes.TIME,
    "TIME WITH TIME ZONE": TIMETZ,
    "TIMESTAMP": codes.TIMESTAMP,
    "TIMESTAMP_S": codes.TIMESTAMP,
    "TIMESTAMP_MS": codes.TIMESTAMP,
    "TIMESTAMP_NS": codes.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": codes.TIMESTAMPTZ,
    "INTERVAL": codes.INTERVAL,
    "UUID": codes.UUID,
    "JSON": codes.JSON,
    "VARIANT": codes.JSON,
}
# The bytes of a value; other types vary.
_SIZES = {
    codes.BOOL: 1,
    codes.INT2: 2,
    codes.INT4: 4,
    codes.INT8: 8,
    codes.OID: 4,
    codes.FLOAT4: 4,
    codes.FLOAT8: 8,
    codes.DATE: 4,
    codes.TIME: 8,
    codes.TIMESTAMP: 8,
    codes.TIMESTAMPTZ: 8,
    codes.INTERVAL: 16,
    codes.UUID: 16,
}
_DOCUMENTS = ("STRUCT(", "MAP(", "UNION(")
_ARRAYS = {**ARRAY_OID, TIMETZ: 1270}


class PostgresType(NamedTuple):
    """A type and its modifier, as a row description has them."""

    oid: int
    modifier: int = NO_MODIFIER

    @property
    def size(self) -> int:
        """The bytes of a value, or -1 if they vary."""
        return _SIZES.get(self.oid, -1)


@lru_cache(maxsize=4096)
def postgres_type(duckdb_type: str) -> PostgresType:
    """The PostgreSQL type for a DuckDB type, written as DESCRIBE writes it.

    Lists of scalars are arrays. Structs, maps, unions and lists of them are JSON, and so are lists
    of lists: the lengths of the inner ones may differ, which an array of PostgreSQL cannot have.
    """
    text = duckdb_type.strip()
    if text.endswith("]"):
        return _array(text[: text.rindex("[")])
    if text.upper().startswith(_DOCUMENTS):
        return PostgresType(codes.JSON)
    if text.upper().startswith("DECIMAL"):
        return PostgresType(codes.NUMERIC, _numeric_modifier(text))
    return PostgresType(_SCALARS.get(text.upper(), codes.TEXT))


def _array(element: str) -> PostgresType:
    of = postgres_type(element)
    if element.endswith("]") or of.oid == codes.JSON:
        return PostgresType(codes.JSON)
    return PostgresType(_ARRAYS[of.oid], of.modifier)


def _numeric_modifier(text: str) -> int:
    _, _, sizes = text.partition("(")
    precision, _, scale = sizes.rstrip(")").partition(",")
    if not precision:
        precision, scale = "18", "3"
    return (int(precision) << 16 | int(scale or 0)) + _HEADER
