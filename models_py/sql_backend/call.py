"""The call of an operator: its node, its inputs, and the program that it adds steps to."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx

from models_py.sql_backend.answers import value_of
from models_py.sql_backend.attributes import attributes, check
from models_py.sql_backend.program import Program
from models_py.sql_backend.values import Value


@dataclass(frozen=True)
class Call:
    """An operator with its inputs, see `answers.Given`; one that is left out is None."""

    node: onnx.NodeProto
    given: list[Any]
    program: Program

    @cached_property
    def attributes(self) -> dict:
        """The attributes by name."""
        return attributes(self.node)

    @property
    def name(self) -> str:
        """The name of the operator."""
        return self.node.op_type

    def has(self, place: int) -> bool:
        """Return whether an input is given."""
        return place < len(self.given) and self.given[place] is not None

    def value(self, place: int = 0) -> Value:
        """Return an input as a value."""
        value = self.stacked(place)
        check(not value.is_stacked, "an operator on stacked values")
        return value

    def stacked(self, place: int = 0) -> Value:
        """Return an input that may have an axis before that of the rows."""
        if not self.has(place):
            raise ValueError(f"{self.name} needs an input {place}")
        return value_of(self.given[place], self.program)

    def row(self, place: int = 0) -> Value:
        """Return an input that is one row of numbers."""
        value = self.value(place)
        check(len(value.shape) == 1, "an operator on matrices")
        return value

    def constant(self, place: int, name: str = "") -> np.ndarray:
        """Return a constant input, which older operators have as an attribute.

        Raises:
            NotInSQL: it is no constant.
            ValueError: it is missing.
        """
        if self.has(place):
            found: Any = self.given[place]
            check(isinstance(found, np.ndarray), "an input that is no constant")
            check(found.dtype.kind in "fiub", "a constant that is no number")
            return found
        if name not in self.attributes:
            raise ValueError(f"{self.name} needs {name or f'an input {place}'}")
        return np.asarray(self.attributes[name])

    def knows(self, place: int, name: str) -> bool:
        """Return whether an optional constant is given, see `constant`."""
        return self.has(place) or name in self.attributes

    def axis(self, default: int) -> int:
        """Return the attribute `axis` as an axis of a row, from 0."""
        return axis_of(self.attributes.get("axis", default), len(self.value().shape))

    def together(self) -> list[Value]:
        """Return all inputs as values of one rank: constants lose their axis of rows."""
        known = [value for value in map(self._known, range(len(self.given))) if value is not None]
        ranks = {len(value.shape) for value in known}
        check(len(ranks) == 1, "values of different ranks")
        (rank,) = ranks
        return [
            self._known(place) or value_of(fitting(self.given[place], rank), self.program)
            for place in range(len(self.given))
        ]

    def _known(self, place: int) -> Value | None:
        return None if isinstance(self.given[place], np.ndarray) else self.value(place)


def fitting(constant: np.ndarray, rank: int) -> np.ndarray:
    """Return a constant without the axis of rows, for a value whose rows have this many axes."""
    if constant.ndim == rank + 1:
        check(constant.shape[0] == 1, "a constant for each row")
        return constant.reshape(constant.shape[1:])
    check(constant.ndim <= rank, "a constant for each row")
    return constant


def axis_of(axis: int, rank: int) -> int:
    """Return an axis of a tensor as one of a row with `rank` axes, from 0."""
    found = axis - 1 if axis >= 0 else rank + axis
    check(0 <= found < rank, "an operator across rows")
    return found
