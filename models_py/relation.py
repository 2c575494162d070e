"""What a training reads: a relation of DuckDB, or what stands for one in Snowflake."""

from typing import Protocol

import pyarrow as pa


class Relation(Protocol):
    """The methods of a DuckDB relation that training calls."""

    def filter(self, condition: str, /) -> "Relation":
        """Return the rows for which a condition in SQL holds."""

    def select(self, *names: str) -> "Relation":
        """Return columns by name."""

    def to_arrow_table(self) -> pa.Table:
        """Return all rows."""
