"""The parts of a page, such as sections and charts, and the format of values on it."""

import re
from dataclasses import dataclass, field
from html import escape

import duckdb
import plotly.graph_objects as go

METRICS = {"roc_auc": "ROC AUC", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}


@dataclass(frozen=True)
class Panel:
    """A figure in a chart, with a label if the chart has several."""

    id: str
    figure: go.Figure
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """Panels, with a title that states the finding and a caption that says how far to trust it."""

    title: str
    caption: str
    panels: list[Panel]
    legend: dict[str, str] = field(default_factory=dict)
    wide: bool = False
    small: bool = False


@dataclass(frozen=True)
class Table:
    """A table; each cell has a value to sort by and a text."""

    id: str
    caption: str
    columns: list[str]
    rows: list[list[tuple[object, str]]]
    highlighted: frozenset[int] = frozenset()
    tall: bool = False


@dataclass(frozen=True)
class Note:
    """A sentence on the page, such as the reason why there is no chart."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Section:
    """A section of the page: a heading, an introduction, and charts, tables and notes."""

    id: str
    short: str
    title: str
    lead: str
    blocks: list[Chart | Table | Note]


def fetch(connection: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[dict]:
    """Return the rows of a query as dicts."""
    result = connection.execute(query, list(values))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def groups(rows: list[dict], *names: str) -> dict[tuple, list[dict]]:
    """Return rows grouped by the values of some columns, in the order of first appearance."""
    found: dict[tuple, list[dict]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def identifier(*parts: object) -> str:
    """Return an id for an element; equal parts give equal ids."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(map(str, parts)).lower()).strip("-")


def plain(name: str) -> str:
    """Return a column's name in words; `_pct` becomes %."""
    return re.sub(r"_pct$", " %", name).replace("_", " ")


def metric(name: str) -> str:
    """Return the usual spelling of a metric."""
    return METRICS.get(name, plain(name))


def model(row: dict) -> str:
    """Return the name of a model within its task: algorithm and version."""
    return f"{plain(row['algorithm'])} v{row['version']}"


def label(text: object) -> str:
    """Return text from the data for a plotly figure, with its markup escaped."""
    return escape(str(text), quote=False)


def number(value: float | None, form: str = ".4f") -> str:
    """Return a number as text; '' for NULL."""
    return "" if value is None else format(value, form)


def percent(value: float | None) -> str:
    """Return a share as a percentage; '' for NULL."""
    return number(value, ".1%")
