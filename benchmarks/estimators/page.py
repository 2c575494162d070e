"""docs/reference/estimators.md, written from the measurements."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from benchmarks.estimators.rows import EACH
from hitparade.project import root
from models_py.export import TOLERANCE

PAGE = root() / "docs" / "reference" / "estimators.md"
HEAD = f"""<!-- Written by `python -m benchmarks estimators --page`: do not change this page. -->
# Models of other tools

What `udfs.register_model` does with [models of your own](../own-models.md). Each model is trained
on generated rows and registered. Then SQL is asked on both backends about {5 * EACH} or {6 * EACH}
rows that the model has not seen, and the answers are compared with those of the source. The rows
lie between and beyond the training rows. Many have decimals that float32 cannot hold.

- **result**: `right` if no row differs by more than {TOLERANCE:.0e} of the size of an answer.
- **scores**: the method of the source whose answers the scores are.
- **SQL**: whether the model runs on the SQL backend, too.
- **difference**: the largest one on any backend.
- **labels**: rows for which the most probable label is not the one that the source predicts. Rows
  whose two best labels are equally probable are not counted.
"""
COUNTS = ("cases", "right", "wrong", "other labels", "refused", "not tried", "on the SQL backend")
COLUMNS = ("model", "result", "scores", "SQL", "difference", "labels")

Row = Mapping[str, Any]


def text(rows: Iterable[Row]) -> str:
    """Return the page for rows of measurements."""
    families = {name: list(found) for name, found in groupby(rows, lambda row: row["family"])}
    counted = [("all", *counts([row for found in families.values() for row in found]).values())]
    counted += [(name, *counts(found).values()) for name, found in families.items()]
    page = HEAD + _table(("tool", *COUNTS), counted)
    for name, found in families.items():
        page += f"\n## {name}\n" + _table(COLUMNS, [_cells(row) for row in found])
    return page


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many cases there are of each kind."""
    found = dict.fromkeys(COUNTS, 0)
    for row in rows:
        found["cases"] += 1
        found["right"] += result(row) == "right" and not row["other_labels"]
        found["wrong"] += row["outcome"] == "failed" or bool(wrong_rows(row))
        found["other labels"] += bool(row["other_labels"])
        found["refused"] += row["outcome"] == "refused"
        found["not tried"] += row["outcome"] == "not tried"
        found["on the SQL backend"] += bool(row["sql_backend"])
    return found


def wrong_rows(row: Row) -> int:
    """Return the number of wrong rows on the worse backend."""
    return max(row["wrong_rows"] or 0, row["sql_wrong_rows"] or 0)


def result(row: Row) -> str:
    """Return the result of a case in words."""
    if row["outcome"] != "accepted":
        return f"{row['outcome']}: {row['reason']}"
    wrong = wrong_rows(row)
    return f"{wrong} of {row['rows']} rows wrong" if wrong else "right"


def without_digits(page: str) -> str:
    """Return a page without the digits of differences, which depend on the processor."""
    return re.sub(r"\d\.\de-\d\d", "", page)


def _cells(row: Row) -> tuple[str, ...]:
    if row["outcome"] != "accepted":
        return (row["case"], result(row), "", "", "", "")
    difference = max(row["difference"], row["sql_difference"] or 0)
    labels = "" if row["other_labels"] is None else str(row["other_labels"])
    in_sql = "yes" if row["sql_backend"] else "no"
    return (row["case"], result(row), row["scores"], in_sql, f"{difference:.1e}", labels)


def _table(names: tuple[str, ...], rows: Iterable[tuple]) -> str:
    """A Markdown table, with an empty line before it."""
    lines = [names, ("---",) * len(names), *rows]
    return "\n" + "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
