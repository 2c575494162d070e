"""Rows as JSON objects."""

import json
from typing import Any

from hitparade.serve.worker.texts import plain


class JsonRows:
    """The encoder of one result's rows."""

    separator = b","

    def __init__(self, names: list[str], kinds: list[Any]):
        """Take the names and DuckDB types of the columns."""
        self._names = names
        self._kinds = kinds

    def columns(self) -> list[dict[str, Any]]:
        """Return the name and DuckDB type of each column."""
        return [
            {"name": name, "type": str(kind)}
            for name, kind in zip(self._names, self._kinds, strict=True)
        ]

    def encode(self, rows: list[tuple]) -> bytes:
        """Return JSON arrays of values, separated by commas and without outer brackets."""
        return json.dumps([[plain(value) for value in row] for row in rows]).encode()[1:-1]
