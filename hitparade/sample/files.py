"""Tables in memory, as columns by name, and their CSV files."""

import csv
from pathlib import Path

from numpy.typing import NDArray

Columns = dict[str, NDArray]


def write(path: Path, table: Columns, *, encoding: str = "utf-8", newline: str = "\n") -> Path:
    """Write columns of equal length as a CSV file with a header; quotes only where needed."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator=newline)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
    return path


def take(table: Columns, rows: NDArray) -> Columns:
    """Return the rows of every column that an index or a mask selects, in that order."""
    return {name: column[rows] for name, column in table.items()}
