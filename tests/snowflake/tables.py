"""The tables of two warehouses, as plain values that can be compared."""

import json
import math
from collections.abc import Iterable

# Of what a float32 of one library may differ from that of another.
TOLERANCE = 1e-6


def rows(names: Iterable[str], found: Iterable[tuple]) -> list[dict]:
    """Return rows by column name in small letters, with plain values."""
    names = [name.lower() for name in names]
    return [dict(zip(names, map(plain, row), strict=True)) for row in found]


def plain(value):
    """Numbers as floats, times as text, and JSON as what it says."""
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
    """A list or an object where the text is one."""
    if text[:1] in ("[", "{"):
        try:
            return plain(json.loads(text))
        except json.JSONDecodeError:
            return text
    return text


def is_close(one, other, name: str = "") -> bool:
    """Whether two plain values are the same, numbers within TOLERANCE of each other.

    What song optimisation adds is the difference of numbers of float32, some ten times as large;
    and a distance is a root, which near 0 has half the digits of what it is the root of.
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
    """What rows are sorted by: all that is exact."""
    return [str(value) for value in row.values() if not isinstance(value, float | list | dict)] + [
        f"{value:.3g}" for value in row.values() if isinstance(value, float)
    ]
