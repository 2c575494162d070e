"""Names that can stand in SQL as they are."""

import re
from functools import cache

import duckdb

PATTERN = re.compile(r"[a-z_][a-z0-9_]*")
OWN = ("t", "algorithm")  # the other arguments of functions
KEYWORDS = """
    select keyword_name
    from duckdb_keywords()
    where keyword_category in ('reserved', 'type_function')
"""


def is_sql_name(name: str) -> bool:
    """Return whether a name can be a column and an argument of a function without quotes."""
    return bool(PATTERN.fullmatch(name)) and name not in OWN and name not in _keywords()


@cache
def _keywords() -> frozenset[str]:
    with duckdb.connect() as connection:
        return frozenset(name for (name,) in connection.execute(KEYWORDS).fetchall())
