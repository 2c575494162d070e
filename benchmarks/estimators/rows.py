"""Rows to train on, and unseen rows between and beyond them.

The four numbers of a row have the sizes and decimals that tables have: an age, a price with cents,
a height with one decimal, and a share. Rounding one of them to float32 may carry it across the
threshold of a tree, so a third of the unseen rows have midpoints or decimals.
"""

import numpy as np

NAMES = ["age", "price", "height", "share"]
EACH = 100  # unseen rows of each kind
_random = np.random.default_rng(3)
COUNT = 300


def _people() -> np.ndarray:
    columns = (
        _random.integers(18, 90, COUNT),
        _random.lognormal(3, 1, COUNT).round(2),
        _random.normal(170, 12, COUNT).round(1),
        _random.random(COUNT),
    )
    return np.column_stack(columns)


ROWS = _people()
# The same rows, as nets and distances need them.
SCALED = ((ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0)).round(4)
# Small counts, for models of categories and of words.
COUNTS = _random.integers(0, 4, (COUNT, 4)).astype(float)
_NOISE = _random.normal(0, 1, COUNT)
_SUM = SCALED @ [1.0, 0.6, -0.8, 1.2] + 0.7 * SCALED[:, 0] * SCALED[:, 3] + _NOISE
AMOUNT = (20 + 5 * _SUM).clip(0.5)
AMOUNTS = np.column_stack([AMOUNT, 3 * SCALED[:, 1] - 2 * SCALED[:, 2] + _NOISE])
YES_OR_NO = np.array(["no", "yes"])[(_SUM > 0.3).astype(int)]
MOODS = np.array(["calm", "party", "wild"])[np.digitize(_SUM, [-0.8, 0.9])]
PURCHASES = np.maximum(_SUM + 2, 0).astype(int)
# Two labels that do not exclude each other.
FLAGS = np.column_stack([_SUM > 0.3, SCALED[:, 1] + _NOISE > 0]).astype(int)


def unseen(rows: np.ndarray) -> np.ndarray:
    """Return generated rows (6 * EACH, k) near those that a model was trained on."""
    random = np.random.default_rng(7)
    low, high = rows.min(axis=0), rows.max(axis=0)
    width = rows.shape[1]
    ordered = np.sort(rows, axis=0)
    places = random.integers(len(rows) - 1, size=(EACH, width))
    neighbors = (np.take_along_axis(ordered, places + more, axis=0) for more in (0, 1))
    between, decimals = (low + (high - low) * random.random((EACH, width)) for _ in range(2))
    beyond = low + (high - low) * (1.5 * random.random((EACH, width)) - 0.25)
    near = rows[:EACH] + (high - low) * random.normal(0, 1e-3, (EACH, width))
    kinds = [between, decimals.round(2), beyond, near, sum(neighbors) / 2]
    return np.concatenate([*kinds, recombined(rows, EACH)])


def recombined(rows: np.ndarray, count: int = 6 * EACH) -> np.ndarray:
    """Return rows whose values come from different training rows."""
    random = np.random.default_rng(11)
    return np.take_along_axis(rows, random.integers(len(rows), size=(count, rows.shape[1])), axis=0)


def close(rows: np.ndarray, seed: int = 17) -> np.ndarray:
    """Return the rows with differences that float32 cannot hold, as means of ratios have them."""
    random = np.random.default_rng(seed)
    changes = random.random(rows.shape) * (random.random(rows.shape) < 0.3)
    return rows.round(1) * (1 + 1e-10 * changes)


def with_missing(rows: np.ndarray) -> np.ndarray:
    """Return the rows with a tenth of the values missing."""
    random = np.random.default_rng(13)
    return np.where(random.random(rows.shape) < 0.1, np.nan, rows)


CLOSE, CLOSER = close(SCALED), close(recombined(SCALED), seed=19)
# Whole numbers after a scaler: an unseen one may lie at a threshold, the middle of two training
# values, or beside it by less than float32 can hold.
_WHOLE = (200 * SCALED).round()
WHOLE, WHOLE_TOO = (found / 66.6 for found in (_WHOLE, unseen(_WHOLE).round()))
