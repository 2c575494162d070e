"""Object ids of what is in the file.

Clients keep them, across connections and publishes. So the id of an object follows from its name,
not from its place or from DuckDB's own ids.
"""

from collections.abc import Iterable
from hashlib import md5

# PostgreSQL gives its own objects the ids below. Some clients read ids as signed 32-bit integers.
FIRST = 16_384
_SPAN = 2**30


def assign(keys: Iterable[str]) -> dict[str, int]:
    """An id for each key. Two keys with the same hash get ids next to each other."""
    ids: dict[str, int] = {}
    taken: set[int] = set()
    for key in sorted(set(keys)):
        oid = FIRST + int(md5(key.encode()).hexdigest(), 16) % _SPAN
        while oid in taken:
            oid += 1
        taken.add(oid)
        ids[key] = oid
    return ids
