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
FEW = 20
# Thresholds are tried as round numbers of up to so many digits after the point.
DIGITS = 7
# A bisection ends at this share of the distance between two rows. Closer to a jump, two sums of the
# same float64 numbers in another order may be on different sides.
CLOSE = 2**-30
# A larger difference of two answers, relative to their size, is a jump.
JUMP = 1e-6


class Compared(NamedTuple):
    """Rows (n, k) to compare.

    Attributes:
        rows: all rows.
        at_jumps: the places of those beside a jump.
        at_round: the places of those of `at_jumps` with a round number between the two sides.
    """

    rows: np.ndarray
    at_jumps: np.ndarray
    at_round: np.ndarray


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
    movable = _movable(known, groups, answers, random)
    beyond = _beyond(mixed, known, movable, random)
    others = np.concatenate([known, mixed, beyond])
    low, high, between = _beside_jumps(others, movable, answers, random)
    rows = np.concatenate([others, low, high, between])
    at_jumps = np.arange(len(others), len(rows))
    return Compared(rows, at_jumps, at_jumps[len(low) + len(high) :])


def _movable(
    known: np.ndarray, groups: list[list[int]], answers: Answers, random: np.random.Generator
) -> list[int]:
    """Return the columns of numbers that may have any value; others are categories."""
    numbers = [unit[0] for unit in units(known.shape[1], groups) if len(unit) == 1]
    few = known[:FEW]
    if _is_answered(_beyond(few, known, numbers, random), answers):
        return numbers
    return [one for one in numbers if _is_answered(_beyond(few, known, [one], random), answers)]


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


def _beyond(
    rows: np.ndarray, known: np.ndarray, movable: list[int], random: np.random.Generator
) -> np.ndarray:
    """Return rows with values between the examples, and up to half of their range outside it."""
    rows = rows.copy()
    for column in movable:
        values = known[:, column][np.isfinite(known[:, column])]
        if len(values):
            low, high = values.min(), values.max()
            margin = (high - low) / 2 or abs(high) / 2 or 1.0
            rows[:, column] = random.uniform(low - margin, high + margin, len(rows))
    return rows


def _beside_jumps(
    others: np.ndarray, movable: list[int], answers: Answers, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of rows that are close to each other and have different answers.

    The third part has the round numbers between two rows of a pair: a threshold may be one.
    """
    none = np.empty((0, others.shape[1]))
    if not movable:
        return none, none, none
    low = others[random.integers(len(others), size=PAIRS)]
    high = low.copy()
    columns = np.array(movable)[np.arange(PAIRS) % len(movable)]
    high[np.arange(PAIRS), columns] = others[random.integers(len(others), size=PAIRS), columns]
    far = np.abs(high - low).max(axis=1, initial=0) > 0
    low, high, columns = low[far], high[far], columns[far]
    if not len(low):
        return none, none, none
    at_low, at_high = answers(low), answers(high)
    for _ in range(round(-np.log2(CLOSE))):
        middle = low + (high - low) / 2
        at_middle = answers(middle)
        is_first = _distance(at_low, at_middle) >= _distance(at_middle, at_high)
        high[is_first], at_high[is_first] = middle[is_first], at_middle[is_first]
        low[~is_first], at_low[~is_first] = middle[~is_first], at_middle[~is_first]
    size = np.maximum(np.abs(at_low), np.abs(at_high)).max(axis=1, initial=1)
    jumps = _distance(at_low, at_high) > JUMP * size
    low, high = low[jumps], high[jumps]
    return low, high, _round(low, high, columns[jumps])


def _round(low: np.ndarray, high: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the rows between pairs whose value in the column that differs is a round number."""
    places = np.arange(len(low))
    found = []
    for digits in range(DIGITS):
        rows = low.copy()
        values = ((low + high) / 2)[places, columns].round(digits)
        rows[places, columns] = values
        ends = low[places, columns], high[places, columns]
        found.append(rows[(np.minimum(*ends) <= values) & (values <= np.maximum(*ends))])
    return np.concatenate(found) if found else low[:0]


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.abs(first - second)).max(axis=1, initial=0)
