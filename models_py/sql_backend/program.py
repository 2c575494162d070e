"""Programs: what SQL computes for a row, number by number, beginning with its features.

A graph that is no chain of layers and no single tree ensemble becomes a program. Values are kept as
affine functions of the numbers of a row for as long as possible, so most operators need no step.

SQL evaluates all tree ensembles at once, so a program has steps before them and steps after them.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from models_py.sql_backend.attributes import check
from models_py.sql_backend.steps import ELEMENTWISE
from models_py.sql_backend.values import MAX_WIDTH, Precision, Value, joined, rounded, selection

# A program with more steps or numbers would be absurd in SQL.
MAX_STEPS, MAX_NUMBERS = 300, 10_000


@dataclass
class Step:
    """A step: it adds numbers to a row.

    Attributes:
        op: its operation, see the macro `computed_step`.
        places: where its numbers are.
        takes: the places of the numbers that it takes.
        weights: of Affine, one row for each number; of Scale, one row.
        intercepts: one for each number, except of functions of a whole row.
    """

    op: str
    places: np.ndarray
    takes: np.ndarray
    weights: np.ndarray | None = None
    intercepts: np.ndarray | None = None


@dataclass
class Forest:
    """All tree ensembles of a program; nodes are numbered from 1.

    Attributes:
        features: the place that each node tests.
        thresholds: what it is compared with.
        next: the node below, see `trees`.
        leaves: what each node adds to the first raw score of its ensemble, to the second, ...
        roots: the first node of each tree.
        depth: the number of levels below a root.
        ensembles: for each, how many roots there are up to its last one.
        scores: for each, the places of its raw scores.
    """

    features: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    next: list[int] = field(default_factory=list)
    leaves: list[list[float]] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    depth: int = 0
    ensembles: list[int] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)


class Program:
    """The numbers of a row, and how they are computed.

    Attributes:
        width: number of features.
        dtype: type of the features.
        steps: the steps in the order in which the graph needs them.
        forest: its tree ensembles.
        numbers: how many numbers a row has.
    """

    def __init__(self, width: int, dtype: np.dtype):
        """Begin with the features."""
        self.width = self.numbers = width
        self.dtype = dtype
        self.steps: list[Step] = []
        self.forest = Forest()
        self.late = np.zeros(width + 1, dtype=bool)
        self.features = selection(np.arange(1, width + 1), dtype, Precision.EXACT)

    def _places(self, count: int, is_late: bool) -> np.ndarray:
        """Return the places of further numbers; late ones follow from trees."""
        self.numbers += count
        check(self.numbers <= max(MAX_NUMBERS, self.width), "the graph is too large")
        self.late = np.concatenate([self.late, np.full(count, is_late)])
        return np.arange(self.numbers - count + 1, self.numbers + 1)

    def add(
        self,
        op: str,
        count: int,
        takes: np.ndarray,
        weights: np.ndarray | None = None,
        intercepts: np.ndarray | None = None,
    ) -> np.ndarray:
        """Add a step, and return the places of its numbers."""
        check(len(self.steps) < MAX_STEPS, "the graph is too large")
        places = self._places(count, bool(self.late[takes].any()))
        self.steps.append(Step(op, places, takes, weights, intercepts))
        return places

    def grow(
        self,
        roots: int,
        depth: int,
        features: np.ndarray,
        thresholds: np.ndarray,
        following: np.ndarray,
        leaves: np.ndarray,
    ) -> np.ndarray:
        """Add a tree ensemble whose first nodes are its roots; return the places of its scores."""
        forest = self.forest
        check(not self.late[features].any(), "trees of the answers of trees")
        before, count = len(forest.next), len(following)
        forest.features += features.tolist()
        forest.thresholds += thresholds.tolist()
        forest.next += (following + before).tolist()
        forest.roots += range(before + 1, before + roots + 1)
        forest.depth = max(forest.depth, depth)
        for place in range(max(len(leaves), len(forest.leaves))):
            if place == len(forest.leaves):
                forest.leaves.append([0.0] * before)
            own = leaves[place].tolist() if place < len(leaves) else [0.0] * count
            forest.leaves[place] += own
        forest.ensembles.append(len(forest.roots))
        forest.scores.append(self._places(len(leaves), is_late=True))
        return forest.scores[-1]

    def computed(
        self, value: Value, function: str | None = None, precision: Precision | None = None
    ) -> Value:
        """Add steps for the numbers of a value and for a function of ELEMENTWISE of each."""
        if precision is None:
            precision = value.precision
        places = value.places
        if not value.is_selection:
            value = value if (value.places > 0).all() else value.dense()
            check(not value.is_dense or len(value.places) <= MAX_WIDTH, "a layer is too wide")
            op, weights = ("Affine", value.weights) if value.is_dense else ("Scale", None)
            weights = value.weights[None] if weights is None else weights
            places = self.add(op, value.size, value.places, weights, value.intercepts)
        if function is not None:
            assert function in ELEMENTWISE
            places = self.add(function, value.size, places, intercepts=np.zeros(value.size))
        return selection(places, value.dtype, precision).reshaped(value.shape)

    def settled(self, value: Value) -> Value:
        """Return the numbers of a value as a selection of those that are known."""
        return value if value.is_selection else self.computed(value)

    def function(self, name: str, value: Value) -> Value:
        """Return a continuous function of ELEMENTWISE of each number."""
        return self.computed(value, name, max(value.precision, rounded(value.dtype)))

    def decision(self, name: str, value: Value) -> Value:
        """Return a function of ELEMENTWISE that jumps, of numbers that both backends agree on."""
        return self.computed(self.certain(value), name, Precision.EXACT)

    def pair(self, name: str, a: Value, b: Value) -> Value:
        """Return the product or the quotient of two values, Mul or Div."""
        a, b = self.aligned(a, b)
        takes = np.concatenate([a.places, b.places])
        places = self.add(name, a.size, takes, intercepts=np.zeros(a.size))
        if a.dtype == np.float32:  # a product may be too large for it
            places = self.add("Float", a.size, places, intercepts=np.zeros(a.size))
        precision = max(a.precision, b.precision, rounded(a.dtype))
        return selection(places, a.dtype, precision).reshaped(a.shape)

    def where(self, condition: Value, a: Value, b: Value) -> Value:
        """Return a where the condition is 1, and b where it is 0."""
        a, b, condition = self.aligned(a, b, condition)
        takes = np.concatenate([condition.places, a.places, b.places])
        places = self.add("Where", a.size, takes, intercepts=np.zeros(a.size))
        return selection(places, a.dtype, max(a.precision, b.precision)).reshaped(a.shape)

    def row(self, name: str, value: Value, size: int, precision: Precision | None = None) -> Value:
        """Return a function of OF_ROWS of a whole row."""
        value = self.settled(value)
        places = self.add(name, size, value.places)
        return selection(places, value.dtype, value.precision if precision is None else precision)

    def filled(self, value: Value, fill: np.ndarray) -> Value:
        """Return a selection with other numbers in the place of NaN."""
        places = self.add("Fill", value.size, value.places, intercepts=fill)
        return selection(places, value.dtype, value.precision).reshaped(value.shape)

    def aligned(self, *values: Value) -> list[Value]:
        """Return values as selections, broadcast to one shape."""
        shape = np.broadcast_shapes(*(value.shape for value in values))
        return [self.settled(value).broadcast(shape) for value in values]

    def joined(self, parts: list[Value], axis: int) -> Value:
        """Return values one after the other along an axis."""
        return joined([self.computed(part) if part.is_dense else part for part in parts], axis)

    def exact(self, value: Value) -> Value:
        """Return a selection of numbers with the bits that ONNX Runtime has.

        A tree is a sum of many comparisons: near a threshold, the last bit decides. In float64 so
        few rows are that near that it does not matter.
        """
        if value.precision <= Precision.DOUBLE:
            return self.settled(value)
        chains = value.chains or ()
        check(len(chains) > 0 and bool(value.places.all()), "trees of numbers in float32")
        current = selection(value.places, self.dtype, Precision.EXACT)
        for level in range(max(map(len, chains))):
            now = [chain[level] if level < len(chain) else None for chain in chains]
            types = {step.dtype for step in now if step}
            check(len(types) == 1, "float32 and float64 side by side")
            pairs = np.array([step.affine if step else (1.0, 0.0) for step in now])
            current = self.computed(
                replace(current, weights=pairs[:, 0], intercepts=pairs[:, 1]),
                "Float" if np.dtype(np.float32) in types else None,
                Precision.EXACT,
            )
        return replace(current, shape=value.shape, dtype=value.dtype)

    def certain(self, value: Value) -> Value:
        """Return a value for a decision: only few rows may be decided by the last bit.

        Sums of leaves are often equal, or exactly a half.
        """
        check(value.precision < Precision.VOTES, "a comparison of sums of leaves")
        return self.exact(value) if value.chains and any(value.chains) else value

    def differences(self, a: Value, b: Value) -> Value:
        """Return a - b for a decision: its sign is right if the numbers are."""
        shape = np.broadcast_shapes(a.shape, b.shape)
        a, b = (self.certain(part).broadcast(shape) for part in (a, b))
        minus = b.scaled(np.full(b.size, -1.0), np.zeros(b.size))
        return replace(a.plus(minus), precision=max(a.precision, b.precision))
