"""Values for the parameters of a statement, with the types that the client declared."""

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from typing import Any

import duckdb
from pg_mimic import types as pg
from pg_mimic.arrays import ELEMENT_OID, parse_array_literal

from hitparade.serve.postgres.types import postgres_type
from hitparade.serve.worker.policy import Parameter, Parsed, Refused

# DuckDB's type of each PostgreSQL type whose values a statement should see as that type. Texts
# are not here: as in PostgreSQL, a text without a type takes the type that its place asks for.
DUCKDB_TYPES: dict[int, str] = {
    pg.BOOL: "boolean",
    pg.INT2: "smallint",
    pg.INT4: "integer",
    pg.INT8: "bigint",
    pg.OID: "bigint",
    pg.FLOAT4: "float",
    pg.FLOAT8: "double",
    pg.DATE: "date",
    pg.TIME: "time",
    pg.TIMESTAMP: "timestamp",
    pg.TIMESTAMPTZ: "timestamptz",
    pg.INTERVAL: "interval",
    pg.UUID: "uuid",
    pg.BYTEA: "blob",
}

UNCLEAR = {2249, 2276}  # a record, and "any"


def typed(sql: str, parsed: Parsed, oids: list[int]) -> str:
    """Return a statement whose parameters are cast to the types that the client declared.

    So a statement has the same types whatever the values are: DuckDB would take a small number
    for an INTEGER and a large one for a BIGINT.
    """
    text = sql.encode()
    # DuckDB copies a parameter of CASE: it then stands at one place several times.
    places = {parameter.start: parameter for parameter in parsed.parameters}
    for parameter in sorted(places.values(), key=lambda each: -each.start):
        if kind := _duckdb_type(_oid(parameter.number, oids)):
            end = parameter.start + parameter.length
            cast = f"cast({text[parameter.start : end].decode()} as {kind})"
            text = text[: parameter.start] + cast.encode() + text[end:]
    return text.decode()


def _oid(number: int, oids: list[int]) -> int:
    return oids[number - 1] if number <= len(oids) else 0


def _duckdb_type(oid: int) -> str | None:
    if oid in ELEMENT_OID:
        element = DUCKDB_TYPES.get(ELEMENT_OID[oid], "varchar")
        return f"{element}[]"
    return DUCKDB_TYPES.get(oid)


def described(parsed: Parsed, oids: list[int]) -> list[int]:
    """Return the type of each parameter: as declared, else as cast in the statement, else text."""
    found: dict[int, int] = {}
    for parameter in parsed.parameters:
        declared = _oid(parameter.number, oids)
        found[parameter.number] = declared or found.get(parameter.number) or _asked(parameter)
    return [found.get(number) or pg.TEXT for number in range(1, max(found, default=0) + 1)]


def _asked(parameter: Parameter) -> int:
    """Return the type that a statement asks of a parameter, by a cast or a function, or 0."""
    if parameter.cast is None:
        return parameter.argument if parameter.argument not in UNCLEAR else 0
    try:
        return postgres_type(str(duckdb.sqltype(parameter.cast))).oid
    except duckdb.Error:
        return 0


def values(given: list[Any], parsed: Parsed, oids: list[int]) -> list[Any]:
    """Return Python values for texts of PostgreSQL types; other values stay as they are.

    Raises:
        Refused: a text is no value of its type.
    """
    types = {parameter.number: _asked(parameter) for parameter in parsed.parameters}
    return [
        _value(value, _oid(number, oids) or _array(value, types.get(number, 0)))
        for number, value in enumerate(given, start=1)
    ]


def _array(value: Any, oid: int) -> int:
    """Return the type of a text that the statement casts to a list."""
    return oid if isinstance(value, str) and oid in ELEMENT_OID else 0


def _value(value: Any, oid: int) -> Any:
    if value is None or not oid:
        return value
    if oid in ELEMENT_OID and isinstance(value, str):
        value = _parsed_array(value)
    if isinstance(value, list):
        return [_value(each, ELEMENT_OID.get(oid, 0)) for each in value]
    try:
        return _READERS.get(oid, str)(value)
    except (ValueError, decimal.InvalidOperation) as error:
        raise Refused("22P02", f'"{value}" is not a value of type {oid}') from error


def _parsed_array(text: str) -> Any:
    try:
        return parse_array_literal(text)
    except (ValueError, IndexError) as error:
        raise Refused("22P02", f'malformed array literal: "{text}"') from error


def _boolean(text: str) -> bool:
    known = {"t": True, "true": True, "1": True, "on": True, "yes": True}
    known |= {"f": False, "false": False, "0": False, "off": False, "no": False}
    return known[text.strip().lower()] if text.strip().lower() in known else _not(text)


def _not(text: str) -> Any:
    raise ValueError(text)


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"\s*[+-]?[0-9]+\s*", text) else _not(text)


def _bytes(text: str) -> bytes:
    r"""Read both forms of PostgreSQL: `\x00ff`, and text with `\\` and `\000`."""
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    escaped = re.sub(rb"\\(\\|[0-3][0-7]{2})", _unescaped, text.encode())
    return escaped


def _unescaped(found: re.Match[bytes]) -> bytes:
    return b"\\" if found[1] == b"\\" else bytes([int(found[1], 8)])


_READERS: dict[int, Callable[[str], Any]] = {
    pg.BOOL: _boolean,
    pg.INT2: _whole,
    pg.INT4: _whole,
    pg.INT8: _whole,
    pg.OID: _whole,
    pg.FLOAT4: float,
    pg.FLOAT8: float,
    pg.NUMERIC: decimal.Decimal,
    pg.DATE: datetime.date.fromisoformat,
    pg.UUID: uuid.UUID,
    pg.BYTEA: _bytes,
}
