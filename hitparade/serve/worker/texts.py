"""Texts and JSON values for what DuckDB returns, as PostgreSQL writes them."""

import datetime
import decimal
import json
import math
import re
import uuid
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np


def boolean(value: bool) -> str:
    """Return `t` or `f`."""
    return "t" if value else "f"


def double(value: float) -> str:
    """Return the shortest text that reads back as the same 64-bit number."""
    return _number(value, repr(value))


def single(value: float) -> str:
    """Return the shortest text that reads back as the same 32-bit number."""
    return _number(value, str(np.float32(value)))


def _number(value: float, text: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return text.removesuffix(".0")


def blob(value: bytes) -> str:
    r"""Return `\x` and hexadecimal digits."""
    return "\\x" + bytes(value).hex()


def date(value: datetime.date | str) -> str:
    """Return a date. DuckDB returns a text for a year before 1 or after 9999."""
    return _era(value) if isinstance(value, str) else value.isoformat()


def _era(text: str) -> str:
    return text.replace("(BC)", "BC")


def timestamp(value: datetime.datetime | str) -> str:
    """Return a time without a zone. DuckDB returns a text for a year after 9999."""
    return _era(value) if isinstance(value, str) else _without_zeros(value.replace(tzinfo=None))


def _without_zeros(value: datetime.datetime) -> str:
    text = value.isoformat(sep=" ")
    return text.rstrip("0") if value.microsecond else text


def zoned(zone: ZoneInfo) -> Callable[[datetime.datetime | str], str]:
    """Return what writes a time with its offset in a time zone, such as `+02`."""

    def text(value: datetime.datetime | str) -> str:
        if isinstance(value, str):
            return _era(value)
        try:
            there = value.astimezone(zone)
        except OverflowError:  # at both ends of Python's calendar
            there = value.astimezone(datetime.UTC)
        return timestamp(there) + _offset(there.utcoffset())

    return text


def time(value: datetime.time | str) -> str:
    """Return a time of day, with its offset if it has one."""
    if isinstance(value, str):
        return value
    text = value.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if value.microsecond else text) + _offset(value.utcoffset())


def _offset(offset: datetime.timedelta | None) -> str:
    """Return `+02`, or with the minutes and seconds that are not 0."""
    if offset is None:
        return ""
    seconds = round(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    parts = [f"{hours:02}", f"{rest // 60:02}", f"{rest % 60:02}"]
    while len(parts) > 1 and parts[-1] == "00":
        parts.pop()
    return ("-" if seconds < 0 else "+") + ":".join(parts)


def interval(value: str) -> str:
    """Return DuckDB's text of an interval as PostgreSQL abbreviates it."""
    return value.replace("months", "mons").replace("month", "mon")


_INTERVAL = re.compile(
    r"(?:(-?\d+) years? ?)?(?:(-?\d+) months? ?)?(?:(-?\d+) days? ?)?"
    r"(?:(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?"
)


def interval_parts(value: str) -> tuple[int, int, int]:
    """Return the months, days and microseconds of DuckDB's text of an interval."""
    found = _INTERVAL.fullmatch(value)
    if found is None:
        raise ValueError(f"{value} is no interval")
    years, months, days, sign, hours, minutes, seconds, fraction = found.groups()
    whole = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)
    microseconds = whole * 1_000_000 + int((fraction or "").ljust(6, "0"))
    return (
        12 * int(years or 0) + int(months or 0),
        int(days or 0),
        -microseconds if sign else microseconds,
    )


def document(value: Any) -> str:
    """Return JSON of a column of type JSON, which holds it already."""
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """Return JSON of a value of another type, such as a struct."""
    return json.dumps(plain(value), ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return a value that JSON can hold.

    As in PostgreSQL's own JSON, a number that JSON lacks (NaN, infinite) becomes its text. So does
    a decimal that a 64-bit number cannot hold.
    """
    if isinstance(value, dict):
        return {_key(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else double(value)
    if isinstance(value, decimal.Decimal):
        return float(value) if decimal.Decimal(repr(float(value))) == value else format(value, "f")
    if isinstance(value, bytes | bytearray):
        return blob(bytes(value))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta | uuid.UUID):
        return str(value)
    return value


def _key(value: Any) -> str:
    return value if isinstance(value, str) else str(plain(value))


def array(element: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return what writes a list as `{1,NULL,"a b"}`."""

    def text(values: Any) -> str:
        return "{" + ",".join(_element(each, element) for each in values) + "}"

    return text


def _element(value: Any, element: Callable[[Any], str]) -> str:
    if value is None:
        return "NULL"
    text = element(value)
    return _quoted(text) if _needs_quotes(text) or text.lower() == "null" else text


def composite(fields: list[tuple[str, Callable[[Any], str]]]) -> Callable[[Any], str]:
    """Return what writes a struct as `(1,"a b",)`."""

    def text(value: dict[str, Any]) -> str:
        return "(" + ",".join(_field(value[name], field) for name, field in fields) + ")"

    return text


def _field(value: Any, field: Callable[[Any], str]) -> str:
    if value is None:
        return ""
    text = field(value)
    return _quoted(text) if _needs_quotes(text) else text


def _needs_quotes(text: str) -> bool:
    return not text or any(each in '{}(),"\\' or each.isspace() for each in text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
