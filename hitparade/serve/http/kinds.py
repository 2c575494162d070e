"""The types of inputs: which JSON values they take, and what is wrong with others."""

import datetime
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LARGEST = 1e15  # the functions answer NULL beyond it
LARGEST_INTEGER = 2**63 - 1
LONGEST = 40  # letters of a value that a message repeats
DEEPEST = 50  # lists and objects in each other
MOST_NAMES = 1000  # of the objects at one place
SEVERAL = "has values of several types"
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Findings = Iterator[tuple[int, str]]


class Kind(ABC):
    """A type of an input."""

    expected: str
    """What a message says of right values."""
    duckdb: str
    """DuckDB's type."""

    @abstractmethod
    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value that is not null, or None."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of values."""

    def structure(self, values: list[Any]) -> Any:
        """Return the type of values as DuckDB's `from_json` takes it."""
        del values
        return self.duckdb.upper()

    def problems(self, values: list[Any]) -> Findings:
        """Yield the places of wrong values, and what is wrong with each."""
        for place, value in enumerate(values):
            if value is not None and (found := self.problem(value)):
                yield place, found


@dataclass(frozen=True)
class Number(Kind):
    """A floating-point number."""

    duckdb: str = "double"
    expected = "a number"

    def problem(self, value: Any) -> str | None:
        """Refuse what is no number, and what the functions would answer with NULL."""
        if type(value) not in (int, float):
            return f"is {described(value)}"
        if not abs(value) <= LARGEST:
            return f"is {described(value)}, beyond 1e15"
        return None

    def problems(self, values: list[Any]) -> Findings:
        """Yield what is wrong; look at each value only if something is."""
        numbers = [value for value in values if value is not None]
        if {*map(type, numbers)} <= {int, float} and not _beyond(numbers):
            return iter(())
        return super().problems(values)

    def schema(self) -> dict[str, Any]:
        """Return a number's schema."""
        return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}


def _beyond(numbers: list[float]) -> bool:
    return bool(numbers) and not (max(numbers) <= LARGEST and min(numbers) >= -LARGEST)


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number."""

    duckdb: str = "bigint"
    expected = "a whole number"

    def problem(self, value: Any) -> str | None:
        """Refuse what is no whole number of 64 bits."""
        if type(value) not in (int, float):
            return f"is {described(value)}"
        if not abs(value) <= LARGEST_INTEGER:
            return f"is {described(value)}, beyond 64 bits"
        return None if value == int(value) else f"is {described(value)}"

    def schema(self) -> dict[str, Any]:
        """Return a whole number's schema."""
        return {"type": "integer"}


@dataclass(frozen=True)
class Boolean(Kind):
    """True or false."""

    duckdb: str = "boolean"
    expected = "true or false"

    def problem(self, value: Any) -> str | None:
        """Refuse everything else."""
        return None if type(value) is bool else f"is {described(value)}"

    def schema(self) -> dict[str, Any]:
        """Return a boolean's schema."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text(Kind):
    """A text."""

    duckdb: str = "varchar"
    expected = "a text"

    def problem(self, value: Any) -> str | None:
        """Refuse what is no text, and halves of letters."""
        if type(value) is not str:
            return f"is {described(value)}"
        return None if is_unicode(value) else "has half of a surrogate pair"

    def schema(self) -> dict[str, Any]:
        """Return a text's schema."""
        return {"type": "string"}


@dataclass(frozen=True)
class Date(Kind):
    """A date."""

    duckdb: str = "date"
    expected = "a date as YYYY-MM-DD"

    def problem(self, value: Any) -> str | None:
        """Refuse what is no date of the calendar."""
        if type(value) is str and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                datetime.date.fromisoformat(value)
            except ValueError:
                return f"is {described(value)}, no day of the calendar"
            return None
        return f"is {described(value)}"

    def schema(self) -> dict[str, Any]:
        """Return a date's schema."""
        return {"type": "string", "format": "date"}


@dataclass(frozen=True)
class ListOf(Kind):
    """A list of one type."""

    element: Kind

    @property
    def duckdb(self) -> str:  # type: ignore[override]
        """DuckDB's type."""
        return f"{self.element.duckdb}[]"

    @property
    def expected(self) -> str:  # type: ignore[override]
        """What a message says of right values."""
        return "a list of " + self.element.expected.removeprefix("a ") + "s"

    def problem(self, value: Any) -> str | None:
        """Refuse what is no list, and name the place of an element that is wrong."""
        if type(value) is not list:
            return f"is {described(value)}"
        for place, said in self.element.problems(value):
            return f"is a list whose element {place + 1} {said}"
        return None

    def schema(self) -> dict[str, Any]:
        """Return a list's schema."""
        return {"type": "array", "items": nullable(self.element.schema())}

    def structure(self, values: list[Any]) -> Any:
        """Return the type of the lists."""
        return [self.element.structure([])]


@dataclass(frozen=True)
class Anything(Kind):
    """A value whose type is not declared, such as the result of another function.

    Its type follows from the values: they must agree.
    """

    duckdb: str = "any"
    expected: str = "a JSON value, with the same type in each row"

    def problem(self, value: Any) -> str | None:
        """Refuse what has no single type."""
        return self._found([value])

    def problems(self, values: list[Any]) -> Findings:
        """Yield the first value that does not agree with those before it."""
        if found := self._found(values):
            yield _first(values) or (0, found)

    def _found(self, values: list[Any]) -> str | None:
        try:
            _structure(values)
        except Disagreement as error:
            return str(error)
        return None

    def schema(self) -> dict[str, Any]:
        """Return a schema for which every value is right."""
        return {}

    def structure(self, values: list[Any]) -> Any:
        """Return the type that all values have."""
        return _structure(values)


class Disagreement(ValueError):
    """Values have no common type; the message says how."""


def _first(values: list[Any]) -> tuple[int, str] | None:
    """Return the place of the first value that disagrees with those before it, and how."""
    common = "NULL"
    for place, value in enumerate(values):
        try:
            common = _common(common, _structure([value]))
        except Disagreement as error:
            return place, str(error)
    return None


def _common(one: Any, other: Any) -> Any:
    """Return the structure of values of two structures."""
    if one == other or other == "NULL":
        return one
    if one == "NULL":
        return other
    if isinstance(one, list) and isinstance(other, list):
        return [_common(one[0], other[0])]
    if isinstance(one, dict) and isinstance(other, dict):
        if not other.keys() <= one.keys():
            _check_names({**one, **other})
        one.update({name: _common(one.get(name, "NULL"), kind) for name, kind in other.items()})
        return one
    raise Disagreement(SEVERAL)


def _structure(values: list[Any], depth: int = 1) -> Any:
    if depth > DEEPEST:
        raise Disagreement(f"has lists or objects more than {DEEPEST} deep")
    given = [value for value in values if value is not None]
    types = {*map(type, given)}
    if not types:
        return "NULL"
    if types == {bool}:
        return "BOOLEAN"
    if types == {str}:
        _check_texts(given)
        return "VARCHAR"
    if types <= {int, float}:
        _check_numbers(given)
        return "DOUBLE"
    if types == {list}:
        return [_structure([each for value in given for each in value], depth + 1)]
    if types == {dict}:
        return _fields(given, depth + 1)
    raise Disagreement(SEVERAL)


def _check_texts(values: list[str]) -> None:
    if not all(map(is_unicode, values)):
        raise Disagreement("has half of a surrogate pair")


def _check_numbers(values: list[float]) -> None:
    if any(math.isinf(value) or abs(value) > LARGEST for value in values):
        raise Disagreement("has a number beyond 1e15")


def _fields(values: list[dict[str, Any]], depth: int) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {}
    for value in values:
        for name, each in value.items():
            columns.setdefault(name, []).append(each)
    _check_names(columns)
    return {name: _structure(column, depth) for name, column in columns.items()}


def _check_names(names: dict[str, Any]) -> None:
    if not names or len({name.lower() for name in names}) != len(names):
        raise Disagreement("has an object without names, or with names that differ by case only")
    if len(names) > MOST_NAMES:
        raise Disagreement(f"has objects with more than {MOST_NAMES} names")
    if not all(map(FIELD.fullmatch, names)):
        raise Disagreement("has names in an object that are not letters, digits and underscores")


KINDS: dict[str, Kind] = {
    **{name: Number() for name in ("double", "float", "decimal", "number", "float64", "float32")},
    **{name: Integer() for name in ("bigint", "integer", "smallint", "tinyint", "hugeint")},
    "boolean": Boolean(),
    "varchar": Text(),
    "date": Date(),
}


def kind_of(declared: str | None) -> Kind:
    """Return the kind of a declared type, such as `double` or `varchar[]`."""
    name = (declared or "").strip().lower()
    if name.endswith("[]"):
        element = kind_of(name[:-2])
        return Anything() if isinstance(element, Anything) else ListOf(element)
    return KINDS.get(name, Anything())


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that may be null."""
    return schema | {"type": [schema["type"], "null"]} if "type" in schema else schema


def is_unicode(text: str) -> bool:
    """Return whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def described(value: Any) -> str:
    """Return a value as a message names it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value[:LONGEST] if isinstance(value, str) else value)
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "..."
    return f"the text {shown}" if isinstance(value, str) else f"the number {shown}"
