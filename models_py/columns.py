"""Names of the inputs that a column of text becomes: a one-hot group.

`genre=rock` is 1 for the text rock, `genre is missing` for NULL, and `genre is other` for all texts
that have no input of their own.
"""

import re

MISSING, OTHER = " is missing", " is other"


def member(column: str, text: str) -> str:
    """Return the name of the input for a text of a column."""
    return f"{column}={text}"


def missing(column: str) -> str:
    """Return the name of the input for NULL in a column of text."""
    return f"{column}{MISSING}"


def another(column: str) -> str:
    """Return the name of the input for all other texts of a column."""
    return f"{column}{OTHER}"


def group(name: str) -> str | None:
    """Return the column of an input of a one-hot group; None for a number."""
    found = re.fullmatch(f"(.+?)(=.*|{MISSING}|{OTHER})", name, flags=re.DOTALL)
    return found[1] if found else None
