"""What a classifier, or the last operator of a net, makes of raw scores."""

from dataclasses import dataclass

import numpy as np

from models_py.sql_backend.attributes import NotInSQL
from models_py.sql_backend.program import Program
from models_py.sql_backend.values import Value, constant


@dataclass
class Answer:
    """A transform of raw scores, which needs steps only if another operator reads it.

    Attributes:
        raw: the raw scores.
        transform: one of TRANSFORMS.
        is_distribution: whether the answer is at least 0 and adds up to 1.
    """

    raw: Value
    transform: str
    is_distribution: bool = False
    _value: Value | None = None

    def value(self, program: Program) -> Value:
        """Return the answer itself."""
        if self._value is None:
            self._value = self._computed(program)
        return self._value

    def _computed(self, program: Program) -> Value:
        raw = self.raw
        match self.transform:
            case "NONE":
                return raw
            case "BINARY":
                raw = program.settled(raw)
                return program.joined([raw.scaled(-np.ones(1), np.ones(1)), raw], axis=0)
            case "LOGISTIC":
                both = raw.select(np.zeros(2, dtype=int), (2,))
                signs = both.scaled(np.array([-1.0, 1.0]), np.zeros(2))
                return program.function("Sigmoid", signs)
            case "SIGMOID":
                return program.function("Sigmoid", raw)
            case "SOFTMAX":
                return _softmax(program.settled(raw), program)
        raise NotInSQL(f"the transform {self.transform}")


def _softmax(value: Value, program: Program) -> Value:
    """Return the softmax, from the distances to the largest number, which never overflow."""
    largest = program.row("Max", value, 1)
    gaps = value.plus(largest.scaled(-np.ones(1), np.zeros(1)).broadcast(value.shape))
    powers = program.function("Exp", gaps)
    whole = powers.times(np.ones((1, value.size)), np.zeros(1))
    return program.pair("Div", powers, whole)


class Label:
    """The label of a classifier, which SQL does not compute."""


Given = Value | Answer | Label | np.ndarray


def value_of(given: Given, program: Program) -> Value:
    """Return an input of an operator as a value."""
    if isinstance(given, Label):
        raise NotInSQL("an operator on labels")
    if isinstance(given, Answer):
        return given.value(program)
    return constant(given) if isinstance(given, np.ndarray) else given
