"""Rows as PostgreSQL's DataRow messages."""

import datetime
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from pg_mimic import types as pg
from pg_mimic.types import encode_value_binary

from hitparade.serve.postgres import catalog
from hitparade.serve.postgres.types import TIMETZ, PostgresType, postgres_type
from hitparade.serve.worker import texts
from hitparade.serve.worker.policy import Refused

MOST_COLUMNS = 1664  # as in PostgreSQL
Encoder = Callable[[Any], bytes]
_LENGTH = struct.Struct("!i")
_HEADER = struct.Struct("!cih")
_INTERVAL = struct.Struct("!qii")
# oidvector and int2vector are lists for PostgreSQL; the catalogs have them as texts.
_ELEMENTS = {array: of for array, of in catalog.elements().items() if array not in (22, 30)}
_NULL = _LENGTH.pack(-1)

# DuckDB gives texts for years that Python's calendar lacks.
OUTSIDE = {pg.DATE, pg.TIMESTAMPTZ, pg.TIME}
_TEXTS: dict[int, Callable[[Any], str]] = {
    pg.BOOL: texts.boolean,
    pg.FLOAT4: texts.single,
    pg.FLOAT8: texts.double,
    pg.NUMERIC: lambda value: format(value, "f") if hasattr(value, "as_tuple") else str(value),
    pg.BYTEA: texts.blob,
    pg.DATE: texts.date,
    pg.TIMESTAMP: texts.timestamp,
    pg.INTERVAL: texts.interval,
    pg.TIME: texts.time,
    TIMETZ: texts.time,
}


@dataclass(frozen=True)
class Shown:
    """How a client wants the columns of a result.

    Attributes:
        formats: PostgreSQL's format codes: none (text), one for all, or one for each column.
        composite: whether structs are composite values; else they are JSON.
        zone: the time zone of the session.
        oids: the type of each column, None where it follows from that of DuckDB.
    """

    formats: list[int]
    composite: bool
    zone: str
    oids: Sequence[int | None] | None = None


class PostgresRows:
    """The encoder of one result's rows."""

    separator = b""

    def __init__(self, names: list[str], kinds: list[Any], shown: Shown):
        """Take the names and DuckDB types of the columns, and how the client wants them."""
        if len(names) > MOST_COLUMNS:
            raise Refused("54011", f"a result can have {MOST_COLUMNS} columns, not {len(names)}")
        self._names = names
        self._formats = _for_each(shown.formats, len(kinds))
        # A star or `unnest` of a struct gives more columns than the statement shows.
        oids = shown.oids or []
        given = oids if len(oids) == len(kinds) else [None] * len(kinds)
        self._types = [
            PostgresType(oid) if oid else _type(kind, shown.composite)
            for kind, oid in zip(kinds, given, strict=True)
        ]
        self._encoders = [
            _binary(each.oid, kind) if code else _text(_writer(each.oid, kind, shown))
            for each, kind, code in zip(self._types, kinds, self._formats, strict=True)
        ]

    def columns(self) -> list[dict[str, Any]]:
        """Return what RowDescription tells of each column."""
        return [
            {
                "name": name,
                "oid": kind.oid,
                "typmod": kind.modifier,
                "size": kind.size,
                "format": code,
            }
            for name, kind, code in zip(self._names, self._types, self._formats, strict=True)
        ]

    def encode(self, rows: list[tuple]) -> bytes:
        """Return one DataRow message for each row."""
        if not rows:
            return b""
        columns = [
            [_NULL if value is None else _sized(encoder(value)) for value in values]
            for encoder, values in zip(self._encoders, zip(*rows, strict=True), strict=True)
        ]
        bodies = map(b"".join, zip(*columns, strict=True)) if columns else [b""] * len(rows)
        count = len(self._encoders)
        return b"".join(_HEADER.pack(b"D", len(body) + 6, count) + body for body in bodies)


def _for_each(formats: list[int], count: int) -> list[int]:
    """Return a code for each column: a client sends none (text), one for all, or one for each."""
    if len(formats) <= 1:
        return (formats or [0]) * count
    if len(formats) != count:
        raise Refused("08P01", f"{len(formats)} format codes were sent for {count} columns")
    return formats


def _sized(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _type(kind: Any, composite: bool) -> PostgresType:
    return PostgresType(pg.RECORD) if composite and _is_struct(kind) else postgres_type(str(kind))


def _is_struct(kind: Any) -> bool:
    return kind is not None and kind.id == "struct"


def _text(writer: Callable[[Any], str]) -> Encoder:
    return lambda value: writer(value).encode()


def _writer(oid: int, kind: Any, shown: Shown) -> Callable[[Any], str]:
    """Return what writes values of a type; DuckDB's type tells the fields of a struct."""
    if oid in _ELEMENTS:
        return texts.array(_writer(_ELEMENTS[oid], None, shown))
    if oid == pg.TIMESTAMPTZ:
        return texts.zoned(ZoneInfo(shown.zone))
    if oid == pg.JSON:
        return _json_writer(kind)
    if oid == pg.RECORD and _is_struct(kind):
        fields = [(name, _type(each, composite=True).oid, each) for name, each in kind.children]
        return texts.composite([(name, _writer(of, each, shown)) for name, of, each in fields])
    return _TEXTS.get(oid, str)


def _json_writer(kind: Any) -> Callable[[Any], str]:
    """A column of type JSON holds texts of JSON; of other types they are made."""
    return texts.document if str(kind) == "JSON" else texts.json_text


def _binary(oid: int, kind: Any) -> Encoder:
    if oid in (pg.JSON, pg.TEXT, pg.VARCHAR, pg.CHAR, pg.NAME):
        return _text(_json_writer(kind) if oid == pg.JSON else str)
    if oid == pg.INTERVAL:
        return _binary_interval

    def encode(value: Any) -> bytes:
        if isinstance(value, str) and oid in OUTSIDE:
            raise Refused("22008", f"{value} has no binary form here: read it as text")
        try:
            return encode_value_binary(oid, _python(value, oid))
        except (ValueError, TypeError, AttributeError, struct.error) as error:
            raise Refused("0A000", f"this value has no binary form here: {error}") from error

    return encode


def _python(value: Any, oid: int) -> Any:
    """Return what the library encodes: it knows no tuples, and DuckDB gave some times as texts."""
    if type(value) is tuple:  # of an ARRAY, whose lists have a fixed length
        return list(value)
    if oid == pg.TIMESTAMP and isinstance(value, str):
        return datetime.datetime.fromisoformat(value[:26])  # PostgreSQL has no nanoseconds
    return value


def _binary_interval(value: str) -> bytes:
    months, days, microseconds = texts.interval_parts(value)
    return _INTERVAL.pack(microseconds, days, months)
