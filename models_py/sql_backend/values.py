"""What a graph computes for a row, as affine functions of numbers that are known already.

Consecutive affine operators are multiplied out to one function, in float64, because in float32 the
product would lose the last digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from math import prod

import numpy as np

from models_py.sql_backend.attributes import check, check_computable

# Wider layers would make queries slow, and the product of two layers large.
MAX_WIDTH = 1_000


class Precision(IntEnum):
    """How near the numbers of both backends are."""

    EXACT = 0  # the same bits
    DOUBLE = 1  # rounded as float64
    FLOAT = 2  # ONNX Runtime rounds them as float32
    VOTES = 3  # sums of leaves in float32, which are often equal, or equal to a half


@dataclass(frozen=True)
class Operation:
    """One operation of ONNX Runtime on a number, rounded once.

    Attributes:
        name: Add, Mul, Div, From (operand - x), or Cast.
        operand: the constant.
        dtype: the type of the result.
    """

    name: str
    operand: float
    dtype: np.dtype

    @property
    def is_increasing(self) -> bool:
        """Whether a larger number never gives a smaller result."""
        return self.name in ("Add", "Cast") or (self.name in ("Mul", "Div") and self.operand > 0)

    @property
    def affine(self) -> tuple[float, float]:
        """The factor and the summand."""
        return {
            "Add": (1.0, self.operand),
            "From": (-1.0, self.operand),
            "Mul": (self.operand, 0.0),
            "Div": (1 / self.operand if self.operand else np.nan, 0.0),
            "Cast": (1.0, 0.0),
        }[self.name]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Compute it as ONNX Runtime does."""
        operand = self.dtype.type(self.operand)
        x = x.astype(self.dtype)
        match self.name:
            case "Add":
                return x + operand
            case "Mul":
                return x * operand
            case "Div":
                return x / operand
            case "From":
                return operand - x
        return x


Chain = tuple[Operation, ...]


@dataclass(frozen=True)
class Value:
    """Numbers of a row: each is an affine function of numbers in known places.

    If `weights` has one dimension, number i is weights[i] * place[i] + intercepts[i]; place 0 is
    the number 1 times a weight of 0. If it has two, the numbers are weights @ places + intercepts.

    Attributes:
        shape: the shape without the rows.
        places: where the known numbers are, from 1.
        weights: see above.
        intercepts: one for each number.
        dtype: their type in the graph.
        precision: how near the numbers of both backends are.
        chains: for each number the operations that give it exactly, from that in its place; None
            if ONNX Runtime may compute it in another order.
        is_stacked: whether the first axis of the shape stands before the axis of the rows.
    """

    shape: tuple[int, ...]
    places: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    dtype: np.dtype
    precision: Precision = Precision.EXACT
    chains: tuple[Chain, ...] | None = None
    is_stacked: bool = False

    @property
    def size(self) -> int:
        """How many numbers there are in a row."""
        return prod(self.shape)

    @property
    def is_dense(self) -> bool:
        """Whether each number depends on all places."""
        return self.weights.ndim == 2

    @property
    def is_selection(self) -> bool:
        """Whether the numbers are those in the places, unchanged."""
        return (
            not self.is_dense
            and bool((self.places > 0).all())
            and bool((self.weights == 1).all() and (self.intercepts == 0).all())
        )

    def select(self, indices: np.ndarray, shape: Sequence[int]) -> "Value":
        """Return some of the numbers, by their places in the row, in another shape."""
        picked = np.asarray(indices, dtype=int).ravel()
        chains = None if self.chains is None else tuple(self.chains[i] for i in picked)
        return replace(
            self,
            shape=tuple(shape),
            places=self.places if self.is_dense else self.places[picked],
            weights=self.weights[picked],
            intercepts=self.intercepts[picked],
            chains=chains,
        )

    def reshaped(self, shape: Sequence[int]) -> "Value":
        """Return the same numbers in another shape."""
        assert prod(shape) == self.size
        return replace(self, shape=tuple(shape))

    def broadcast(self, shape: Sequence[int]) -> "Value":
        """Return the numbers repeated along new axes, as numpy does."""
        if tuple(shape) == self.shape:
            return self
        order = np.arange(self.size).reshape(self.shape)
        return self.select(np.broadcast_to(order, shape), shape)

    def operated(self, name: str, operand: np.ndarray) -> "Value":
        """Return an operation with a constant for each number; see Operation."""
        shape = np.broadcast_shapes(self.shape, operand.shape)
        value = self.broadcast(shape)
        operands = np.broadcast_to(operand, shape).ravel().tolist()
        steps = [Operation(name, one, self.dtype) for one in operands]
        if all(step.affine == (1.0, 0.0) and step.name != "Cast" for step in steps):
            return value
        pairs = np.array([step.affine for step in steps], dtype=float).reshape(-1, 2)
        chains = None
        if value.chains is not None:
            pairs_of = zip(value.chains, steps, strict=True)
            chains = tuple((*chain, step) for chain, step in pairs_of)
        return replace(
            value.scaled(pairs[:, 0], pairs[:, 1]),
            chains=chains,
            precision=max(value.precision, rounded(self.dtype)),
        )

    def scaled(self, scale: np.ndarray, offset: np.ndarray) -> "Value":
        """Return scale * number + offset, rounded only in float64."""
        check_computable(scale, offset)
        column = scale[:, None] if self.is_dense else scale
        return replace(
            self,
            weights=column * self.weights,
            intercepts=scale * self.intercepts + offset,
            chains=None,
        )

    def times(self, matrix: np.ndarray, offset: np.ndarray) -> "Value":
        """Return matrix @ numbers + offset."""
        check_computable(matrix, offset)
        check(max(matrix.shape) <= MAX_WIDTH, "a layer is too wide")
        value = self.dense()
        return replace(
            value,
            shape=(len(matrix),),
            weights=matrix @ value.weights,
            intercepts=matrix @ value.intercepts + offset,
            precision=max(value.precision, rounded(self.dtype)),
        )

    def dense(self, places: np.ndarray | None = None) -> "Value":
        """Return the same as functions of all places, or of more places that are given."""
        if self.is_dense and places is None:
            return self
        own = self.places if self.is_dense else np.unique(self.places[self.places > 0])
        wanted = own if places is None else places
        check(max(self.size, len(wanted)) <= MAX_WIDTH, "a layer is too wide")
        weights = np.zeros((self.size, len(wanted)))
        where = np.searchsorted(wanted, self.places)
        if self.is_dense:
            weights[:, where] = self.weights
        else:
            known = np.flatnonzero(self.places > 0)
            weights[known, where[known]] = self.weights[known]
        return replace(self, places=wanted, weights=weights, chains=None)

    def converted(self, dtype: np.dtype) -> "Value":
        """Return the same numbers in another type; float64 is rounded to float32."""
        if dtype != np.float32 or self.dtype != np.float64:
            return replace(self, dtype=dtype)
        chains = None
        if self.chains is not None:
            step = Operation("Cast", 0.0, dtype)
            chains = tuple((*chain, step) for chain in self.chains)
        precision = max(self.precision, Precision.FLOAT)
        return replace(self, dtype=dtype, chains=chains, precision=precision)

    def plus(self, other: "Value") -> "Value":
        """Return the sums of two values of one shape."""
        precision = max(self.precision, other.precision, rounded(self.dtype))
        a, b = self, other
        if a.is_dense or b.is_dense or not np.array_equal(a.places, b.places):
            used = np.union1d(a.places, b.places)
            a, b = a.dense(used[used > 0]), b.dense(used[used > 0])
        return replace(
            a,
            weights=a.weights + b.weights,
            intercepts=a.intercepts + b.intercepts,
            precision=precision,
            chains=None,
        )


def rounded(dtype: np.dtype) -> Precision:
    """Return the precision of a number that was computed in this type."""
    if dtype == np.float64:
        return Precision.DOUBLE
    return Precision.FLOAT if dtype == np.float32 else Precision.EXACT


def selection(places: np.ndarray, dtype: np.dtype, precision: Precision) -> Value:
    """Return the numbers in these places."""
    chains = ((),) * len(places) if precision is Precision.EXACT else None
    one, zero = np.ones(len(places)), np.zeros(len(places))
    return Value((len(places),), places, one, zero, dtype, precision, chains)


def constant(array: np.ndarray) -> Value:
    """Return the same numbers for each row."""
    check(array.dtype.kind in "fiub", "a constant that is no number")
    numbers = array.astype(float).ravel()
    check(bool((~np.isinf(numbers)).all()), "a constant is infinite")
    zero = np.zeros(numbers.size)
    return Value(array.shape, zero.astype(int), zero, numbers, array.dtype)


def joined(parts: Sequence[Value], axis: int) -> Value:
    """Return values that are not dense, one after the other along an axis."""
    starts = np.cumsum([0, *(part.size for part in parts)])
    orders = [
        (start + np.arange(part.size)).reshape(part.shape)
        for start, part in zip(starts, parts, strict=False)
    ]
    order = np.concatenate(orders, axis=axis)
    chains = None
    if all(part.chains is not None or not part.places.any() for part in parts):
        chains = tuple(c for part in parts for c in part.chains or ((),) * part.size)
    whole = Value(
        (int(starts[-1]),),
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.intercepts for part in parts]),
        dtype=parts[0].dtype,
        precision=max(part.precision for part in parts),
        chains=chains,
    )
    return whole.select(order, order.shape)
