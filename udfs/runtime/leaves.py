"""The leaves that songs come to, and what these add to sums over mixed songs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from udfs.runtime.forests import LEAF, Forest
from udfs.runtime.plans import Plan
from udfs.runtime.products import product

# A block has about as many thresholds as leaves, and a table of both.
LEAVES = 2_048
# The tables of more leaves would take hundreds of megabytes.
MOST_LEAVES = 50_000
# A leaf with more arguments would have too many coalitions.
MOST_ARGUMENTS = 12
# The largest matrix of comparisons: it fits the processor's cache.
COMPARED = 2_000_000


class Steps(NamedTuple):
    """Which leaves a feature fails, a row for each interval between its thresholds.

    Attributes:
        feature: the place of the feature.
        thresholds: in order (t,).
        failed: the bit of the feature's argument, or 0 (t + 1, leaves).
    """

    feature: int
    thresholds: np.ndarray
    failed: np.ndarray


class Part(NamedTuple):
    """Leaves that add to some sums if a song fails none of some arguments.

    Attributes:
        leaves: places of p leaves in the block.
        coalitions: the bits of the arguments, never 0 (p,).
        weights: what each leaf adds (p, s).
        sums: places of s sums.
        constants: what leaves add for every song (s,).
    """

    leaves: np.ndarray
    coalitions: np.ndarray
    weights: np.ndarray
    sums: np.ndarray
    constants: np.ndarray


@dataclass(frozen=True)
class Leaves:
    """Some leaves of a forest. Each has a bit for each argument that it has conditions on.

    Attributes:
        steps: the features with conditions.
        bits: the bit of each argument, or 0 (leaves, arguments).
        weights: what each leaf adds to the sum of its forest (leaves,).
    """

    steps: list[Steps]
    bits: np.ndarray
    weights: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """The number of coalitions of the arguments of each leaf."""
        return 1 + self.bits.sum(axis=1, dtype=np.int64)

    def failed(self, songs: np.ndarray) -> np.ndarray:
        """Return the bits of the arguments that songs (n, k) fail, (n, leaves)."""
        found = np.zeros((len(songs), len(self.weights)), dtype=self.bits.dtype)
        for feature, thresholds, failed in self.steps:
            found |= failed[np.searchsorted(thresholds, songs[:, feature])]
        return found

    def reached(self, mixes: "Mixes") -> tuple[np.ndarray, np.ndarray]:
        """Return which backgrounds come to a leaf, if the explained song does, and the bits.

        Both have the shape (leaves, m), for m mixed songs.
        """
        bits, own_arguments = self.bits.T.astype(np.float32), mixes.own.T.astype(np.float32)
        own = product(bits, own_arguments).astype(self.bits.dtype)
        failed = self.failed(mixes.backgrounds)[mixes.background].T
        return (failed & ~own) == 0, own


class Mixes:
    """The mixed songs of a plan by argument.

    Attributes:
        argument: the argument of each input (k,).
        own: which arguments each mixed song has from the explained song (m, arguments).
        backgrounds: the different background songs.
        background: the background song of each mixed song (m,).
    """

    def __init__(self, plan: Plan):
        """Sort the inputs of a plan by argument."""
        self.own, self.argument = np.unique(plan.is_own, axis=1, return_inverse=True)
        songs = plan.backgrounds.astype(np.float32)
        self.backgrounds, self.background = np.unique(songs, axis=0, return_inverse=True)


def blocks(trees: Forest, weights: np.ndarray, mixes: Mixes) -> Iterator[Leaves]:
    """Yield the leaves in blocks: fewer leaves have fewer thresholds, and smaller tables."""
    lows, highs = trees.boxes()
    leaves = np.flatnonzero((trees.modes == LEAF) & (weights != 0))
    if len(leaves) > MOST_LEAVES:
        raise ValueError(f"{len(leaves)} leaves are too many")
    for start in range(0, len(leaves), LEAVES):
        some = leaves[start : start + LEAVES]
        yield _block(lows[some], highs[some], weights[some], mixes.argument)


def _block(
    lows: np.ndarray, highs: np.ndarray, weights: np.ndarray, argument: np.ndarray
) -> Leaves:
    has_condition = np.isfinite(lows) | np.isfinite(highs)
    is_used = np.zeros((len(weights), 1 + argument.max()), dtype=bool)
    for feature in np.flatnonzero(has_condition.any(axis=0)):
        is_used[:, argument[feature]] |= has_condition[:, feature]
    most = int(is_used.sum(axis=1).max())
    if most > MOST_ARGUMENTS:
        raise ValueError(f"a leaf has conditions on {most} arguments")
    bits = np.where(is_used, (1 << np.cumsum(is_used, axis=1)) >> 1, 0)
    bits = bits.astype(np.uint8 if most <= 8 else np.uint16)
    steps = [
        _steps(feature, lows[:, feature], highs[:, feature], bits[:, argument[feature]])
        for feature in np.flatnonzero(has_condition.any(axis=0)).tolist()
    ]
    return Leaves(steps, bits, weights)


def _steps(feature: int, lows: np.ndarray, highs: np.ndarray, bits: np.ndarray) -> Steps:
    bounds = np.concatenate([lows, highs])
    thresholds = np.unique(bounds[np.isfinite(bounds)])
    # A feature in interval i is above i thresholds, and equal to the next at most.
    interval = np.arange(len(thresholds) + 1)[:, None]
    first = np.searchsorted(thresholds, lows, side="right")
    last = np.searchsorted(thresholds, highs)
    return Steps(feature, thresholds, np.where((interval < first) | (interval > last), bits, 0))


def terms(block: Leaves, plan: Plan, mixes: Mixes) -> Part:
    """Return what the leaves of a block add to the terms of an explanation."""
    is_reached, own = block.reached(mixes)
    # Mixed songs with the same own arguments and weights are counted together.
    kinds = np.hstack([mixes.own, plan.weights])
    _, first, kind = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(kind, kind="stable")
    starts = np.flatnonzero(np.diff(kind[order], prepend=-1))
    counts = np.add.reduceat(is_reached[:, order], starts, axis=1, dtype=np.uint16)
    # A row of the table for each leaf and each coalition of its arguments.
    sizes = block.sizes
    offsets = np.cumsum(sizes) - sizes
    rows = offsets[:, None] + own[:, first]
    table = np.zeros((sizes.sum(), len(plan.terms)))
    for term, weights in enumerate(plan.weights[first].T):
        some = np.flatnonzero(weights)
        amounts = counts[:, some] * weights[some]
        table[:, term] = np.bincount(rows[:, some].ravel(), amounts.ravel(), len(table))
    table[np.abs(table) < 1e-12] = 0  # rounding
    leaves = np.repeat(np.arange(len(sizes)), sizes)
    coalitions = (np.arange(len(table)) - offsets[leaves]).astype(own.dtype)
    weights = table * block.weights[leaves, None]
    return _part(leaves, coalitions, weights, np.arange(len(plan.terms)))


def mixed_sums(block: Leaves, mixes: Mixes, members: list[np.ndarray]) -> list[Part]:
    """Return what the leaves of a block add to the sums of the mixed songs of each coalition."""
    is_reached, own = block.reached(mixes)
    leaves = np.arange(len(own))
    return [
        _part(leaves, own[:, mixed[0]], block.weights[:, None] * is_reached[:, mixed], mixed)
        for mixed in members
    ]


def _part(
    leaves: np.ndarray, coalitions: np.ndarray, weights: np.ndarray, sums: np.ndarray
) -> Part:
    varies = (coalitions != 0) & weights.any(axis=1)
    constants = weights[coalitions == 0].sum(axis=0)
    amounts = weights[varies].astype(np.float32)
    return Part(leaves[varies], coalitions[varies], amounts, sums, constants)


def sums(
    blocks: list[Leaves], parts: list[list[Part]], songs: np.ndarray, count: int
) -> np.ndarray:
    """Return the sums of songs, (n, count)."""
    sums = np.zeros((len(songs), count))
    for block, of_block in zip(blocks, parts, strict=True):
        widest = max(len(part.leaves) for part in of_block)
        step = COMPARED // max(1, widest) or 1
        for start in range(0, len(songs), step):
            rows = slice(start, start + step)
            # The songs of a leaf are side by side, which makes the choice of leaves fast.
            failed = np.ascontiguousarray(block.failed(songs[rows]).T)
            for leaves, coalitions, weights, places, constants in of_block:
                sums[rows, places] += constants
                if len(leaves):
                    is_reached = (failed[leaves] & coalitions[:, None]) == 0
                    sums[rows, places] += product(is_reached.astype(np.float32), weights)
    return sums
