"""Rows as PostgreSQL's DataRow messages."""

import datetime
import struct
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from pg_mimic import types as pg
from pg_mimic.arrays import ELEMENT_OID
from pg_mimic.types import encode_value_binary

from hitparade.serve.postgres.types import PostgresType, postgres_type
from hitparade.serve.worker import texts
from hitparade.serve.worker.policy import Refused

Encoder = Callable[[Any], bytes]
_LENGTH = struct.Struct("!i")
_HEADER = struct.Struct("!cih")
_INTERVAL = struct.Struct("!qii")
_NULL = _LENGTH.pack(-1)

_TEXTS: dict[int, Callable[[Any], str]] = {
    pg.BOOL: texts.boolean,
    pg.FLOAT4: texts.single,
    pg.FLOAT8: texts.double,
    pg.NUMERIC: lambda value: format(value, "f") if hasattr(value, "as_tuple") else str(value),
    pg.BYTEA: texts.blob,
    pg.TIMESTAMP: texts.timestamp,
    pg.INTERVAL: texts.interval,
    pg.JSON: texts.document,
    pg.JSONB: texts.document,
}


class PostgresRows:
    """The encoder of one result's rows."""

    def __init__(
        self, names: list[str], kinds: list[Any], formats: list[int], composite: bool, zone: str
    ):
        """Take the names and DuckDB types of the columns, and PostgreSQL's format codes."""
        self._types = [postgres_type(kind, composite=composite) for kind in kinds]
        self._formats = _for_each(formats, len(kinds))
        self._encoders = [
            _binary(kind) if code else _text(kind, ZoneInfo(zone))
            for kind, code in zip(self._types, self._formats, strict=True)
        ]
        self._names = names

    def columns(self) -> list[dict[str, Any]]:
        """Return what RowDescription tells of each column."""
        return [
            {
                "name": name,
                "oid": kind.oid,
                "typmod": kind.typmod,
                "size": kind.size,
                "format": code,
            }
            for name, kind, code in zip(self._names, self._types, self._formats, strict=True)
        ]

    def encode(self, rows: list[tuple]) -> bytes:
        """Return one DataRow message for each row."""
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


def _text(kind: PostgresType, zone: ZoneInfo) -> Encoder:
    writer = _writer(kind, zone)
    return lambda value: writer(value).encode()


def _writer(kind: PostgresType, zone: ZoneInfo) -> Callable[[Any], str]:
    if kind.oid in ELEMENT_OID:
        return texts.array(_writer(PostgresType(ELEMENT_OID[kind.oid]), zone))
    if kind.oid == pg.TIMESTAMPTZ:
        return texts.zoned(zone)
    if kind.oid == pg.RECORD:
        return texts.composite([(name, _writer(field, zone)) for name, field in kind.fields])
    return _TEXTS.get(kind.oid, str)


def _binary(kind: PostgresType) -> Encoder:
    if kind.oid in (pg.JSON, pg.TEXT, pg.VARCHAR):
        writer = texts.document if kind.oid == pg.JSON else str
        return lambda value: writer(value).encode()

    if kind.oid == pg.INTERVAL:
        return _binary_interval

    def encode(value: Any) -> bytes:
        try:
            return encode_value_binary(kind.oid, _python(value, kind.oid))
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
