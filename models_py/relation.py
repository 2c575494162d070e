"""The relations that training reads: DuckDB's, or an adapter of them in Snowflake."""

from typing import Protocol

import pyarrow as pa


class Relation(Protocol):
    """The methods of a DuckDB relation that training calls."""

    def filter(self, condition: str, /) -> "Relation":
        """Return the rows that fulfill an SQL condition."""

    def select(self, *names: str) -> "Relation":
        """Return columns by name."""

    def to_arrow_table(self) -> pa.Table:
        """Return all rows."""
