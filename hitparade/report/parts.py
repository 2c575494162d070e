"""What a page is made of, and how values are written on it."""

import re
from dataclasses import dataclass, field
from html import escape

import duckdb
import plotly.graph_objects as go

METRICS = {"roc_auc": "ROC AUC", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}


@dataclass(frozen=True)
class Panel:
    """A figure in a chart; the label tells it from its neighbours."""

    id: str
    figure: go.Figure
    label: str = ""


@dataclass(frozen=True)
class Chart:
    """Panels under a title that says what is seen and a caption that says how far to trust it."""

    title: str
    caption: str
    panels: list[Panel]
    legend: dict[str, str] = field(default_factory=dict)
    wide: bool = False
    small: bool = False


@dataclass(frozen=True)
class Table:
    """Cells by column: a value to sort by and its text."""

    id: str
    caption: str
    columns: list[str]
    rows: list[list[tuple[object, str]]]
    highlighted: frozenset[int] = frozenset()
    tall: bool = False


@dataclass(frozen=True)
class Note:
    """A plain sentence, such as why there is no chart."""

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Section:
    """A heading, what to know before looking, and what there is to see."""

    id: str
    short: str
    title: str
    lead: str
    blocks: list[Chart | Table | Note]


def fetch(connection: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[dict]:
    """The rows of a query as dicts."""
    result = connection.execute(query, list(values))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def groups(rows: list[dict], *names: str) -> dict[tuple, list[dict]]:
    """Rows by the values of some columns, in the order of their first row."""
    found: dict[tuple, list[dict]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def identifier(*parts: object) -> str:
    """An id for an element, the same for the same parts."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(map(str, parts)).lower()).strip("-")


def plain(name: str) -> str:
    """A column's name as people say it; `_pct` is a percentage."""
    return re.sub(r"_pct$", " %", name).replace("_", " ")


def metric(name: str) -> str:
    """A metric's name as people write it."""
    return METRICS.get(name, plain(name))


def model(row: dict) -> str:
    """The name of a model among those of its task."""
    return f"{plain(row['algorithm'])} v{row['version']}"


def label(text: object) -> str:
    """Text from the data for a plotly figure, which would take tags for markup."""
    return escape(str(text), quote=False)


def number(value: float | None, form: str = ".4f") -> str:
    """A number as text; nothing for NULL."""
    return "" if value is None else format(value, form)


def percent(value: float | None) -> str:
    """A share as text; nothing for NULL."""
    return number(value, ".1%")
