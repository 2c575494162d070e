"""Tables of two warehouses as plain values that can be compared."""

import json
import math
from collections.abc import Iterable

# The tolerance between float32 results of two libraries.
TOLERANCE = 1e-6


def rows(names: Iterable[str], found: Iterable[tuple]) -> list[dict]:
    """Return rows by column name in lower case, with plain values."""
    names = [name.lower() for name in names]
    return [dict(zip(names, map(plain, row), strict=True)) for row in found]


def plain(value):
    """Return numbers as floats, times as text, and JSON parsed."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value)


def plain_text(text: str):
    """Parse a text that is a JSON list or object."""
    if text[:1] in ("[", "{"):
        try:
            return plain(json.loads(text))
        except json.JSONDecodeError:
            return text
    return text


def is_close(one, other, name: str = "") -> bool:
    """Return whether two plain values are equal, with TOLERANCE for numbers.

    The gains of song optimization are differences of float32 numbers about ten times as large.
    A distance is a square root, which near 0 has half the digits of its argument.
    """
    if isinstance(one, float) and isinstance(other, float):
        if name.startswith("distance"):
            return math.isclose(one**2, other**2, rel_tol=1e-4, abs_tol=1e-4)
        within = 1e-4 if name.startswith(("effect", "popularity_", "judged_")) else TOLERANCE
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=within)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            is_close(a, b, name) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_close(one[k], other[k], k) for k in one)
    return one == other


def order(row: dict) -> list[str]:
    """The sort key of a row: all exact values."""
    return [str(value) for value in row.values() if not isinstance(value, float | list | dict)] + [
        f"{value:.3g}" for value in row.values() if isinstance(value, float)
    ]
