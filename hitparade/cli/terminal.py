"""Shared output of the commands: one console, tables, and errors without a traceback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from hitparade.project import ProjectError

console = Console()
WIDEST = 10_000  # no table is that wide
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@contextmanager
def errors(*kinds: type[Exception], code: int = 1) -> Iterator[None]:
    """Print errors of these kinds and a missing project, and exit with a code."""
    known: tuple[type[Exception], ...] = (ProjectError, *kinds)
    try:
        yield
    except known as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(code) from error


def show_json(found: object) -> None:
    """Print a value as JSON; times and other types become strings."""
    print(json.dumps(found, indent=2, default=str))


def show_rows(
    title: str, rows: list[dict], console: Console = console, apart: str | None = None
) -> None:
    """Print rows with the same keys as a table.

    Args:
        title: printed above the table.
        rows: the rows.
        console: where to print.
        apart: a column of long texts. If the terminal is too narrow for it, it gets a table of its
            own, beside the first column.
    """
    table = _table(title, rows)
    if apart and rows and _width(table, console) > console.width:
        first = next(iter(rows[0]))
        show_rows(title, [{k: v for k, v in row.items() if k != apart} for row in rows], console)
        show_rows(
            f"{apart.capitalize()}s", [{k: row[k] for k in (first, apart)} for row in rows], console
        )
        return
    # In a narrow terminal lines wrap, because truncated numbers would mislead.
    before, console.width = console.width, max(console.width, 120)
    console.print(table)
    console.width = before


def _table(title: str, rows: list[dict]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row.values()))
    return table


def _width(table: Table, console: Console) -> int:
    """Return the width at which no line of a table wraps."""
    return table.__rich_measure__(console, console.options.update(max_width=WIDEST)).maximum


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)
