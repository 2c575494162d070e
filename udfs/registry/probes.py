"""Rows on which a graph is compared with its source, beyond the examples.

A model that is right on its examples may be wrong elsewhere: float32 moves a value across a
threshold, or a label is not the likeliest class. Both happen beside a jump of the answer. So the
jumps are searched, by bisection between pairs of rows with different answers, and the rows on both
sides are compared too. The search only asks the source, so it works for any kind of model.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Answers = Callable[[np.ndarray], np.ndarray]  # rows (n, k) to numbers (n, m)

EXAMPLES = 2_000
MIXED = 1_000
PAIRS = 500
# A bisection ends at this share of the distance between two rows. Closer to a jump, two sums of the
# same float64 numbers in another order may be on different sides.
CLOSE = 2**-30
# A larger difference of two answers, relative to their size, is a jump.
JUMP = 1e-6


class Compared(NamedTuple):
    """Rows (n, k) to compare, and which of them are beside a jump."""

    rows: np.ndarray
    at_jumps: np.ndarray


def rows_to_compare(examples: np.ndarray, groups: list[list[int]], answers: Answers) -> Compared:
    """Return float64 rows: examples, new combinations of their values, and rows beside jumps.

    Args:
        examples: shape (n, k), possibly with NaN.
        groups: the columns of each one-hot group, which change together.
        answers: the source, which answers rows (n, k) with numbers (n, m).
    """
    random = np.random.default_rng(0)
    known = spread(examples, EXAMPLES)
    mixed = _mixed(known, groups, random)
    beyond = _beyond(known, groups, random)
    if not _is_answered(beyond, answers):  # its numbers are categories, and it refuses new ones
        rows = np.concatenate([known, mixed])
        return Compared(rows, np.arange(0))
    others = np.concatenate([known, mixed, beyond])
    rows = np.concatenate([others, *_beside_jumps(known, groups, answers, random)])
    return Compared(rows, np.arange(len(others), len(rows)))


def _is_answered(rows: np.ndarray, answers: Answers) -> bool:
    try:
        answers(rows)
    except Exception:  # whatever an estimator raises
        return False
    return True


def spread(examples: np.ndarray, count: int) -> np.ndarray:
    """Return at most `count` of the examples, evenly spaced from the first to the last."""
    places = np.linspace(0, len(examples) - 1, count).round().astype(int)
    return examples[np.unique(places)]


def units(width: int, groups: list[list[int]]) -> list[list[int]]:
    """Return the columns that change together: those of a group, or one."""
    grouped = {column for group in groups for column in group}
    return [*groups, *([column] for column in range(width) if column not in grouped)]


def _mixed(known: np.ndarray, groups: list[list[int]], random: np.random.Generator) -> np.ndarray:
    """Return rows whose values come from different examples."""
    rows = np.empty((MIXED, known.shape[1]))
    for columns in units(known.shape[1], groups):
        rows[:, columns] = known[random.integers(len(known), size=MIXED)][:, columns]
    return rows


def _beyond(known: np.ndarray, groups: list[list[int]], random: np.random.Generator) -> np.ndarray:
    """Return rows between the examples, and up to half of their range outside it."""
    rows = _mixed(known, groups, random)
    numbers = [unit[0] for unit in units(known.shape[1], groups) if len(unit) == 1]
    for column in numbers:
        values = known[:, column][np.isfinite(known[:, column])]
        if len(values):
            low, high = values.min(), values.max()
            margin = (high - low) / 2
            rows[:, column] = random.uniform(low - margin, high + margin, MIXED)
    return rows


def _beside_jumps(
    known: np.ndarray, groups: list[list[int]], answers: Answers, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of rows that are close to each other and have different answers."""
    numbers = [unit[0] for unit in units(known.shape[1], groups) if len(unit) == 1]
    low = known[random.integers(len(known), size=PAIRS)]
    high = low.copy()
    if numbers:
        columns = np.array(numbers)[np.arange(PAIRS) % len(numbers)]
        places = np.arange(PAIRS)
        high[places, columns] = known[random.integers(len(known), size=PAIRS), columns]
    far = np.abs(high - low).max(axis=1, initial=0) > 0
    low, high = low[far], high[far]
    if not len(low):
        return low, high
    at_low, at_high = answers(low), answers(high)
    for _ in range(round(-np.log2(CLOSE))):
        middle = low + (high - low) / 2
        at_middle = answers(middle)
        is_first = _distance(at_low, at_middle) >= _distance(at_middle, at_high)
        high[is_first], at_high[is_first] = middle[is_first], at_middle[is_first]
        low[~is_first], at_low[~is_first] = middle[~is_first], at_middle[~is_first]
    size = np.maximum(np.abs(at_low), np.abs(at_high)).max(axis=1, initial=1)
    jumps = _distance(at_low, at_high) > JUMP * size
    return low[jumps], high[jumps]


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.abs(first - second)).max(axis=1, initial=0)
