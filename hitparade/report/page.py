"""Render sections as one self-contained HTML page, with all text from the data escaped."""

import json
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any

from plotly.offline import get_plotlyjs

from hitparade.report.parts import Chart, Note, Panel, Section, Table

# Digits of the numbers in figures: fine enough for a pixel, and equal on all machines.
DIGITS = 7
LONG = 30  # a cell with more characters may wrap


def render(sections: list[Section]) -> str:
    """Return the whole page, with its style, its script and plotly.js inlined once."""
    own = files(__package__)
    template = Template(own.joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=own.joinpath("page.css").read_text(encoding="utf-8"),
        contents="".join(f'<a href="#{s.id}">{escape(s.short)}</a>' for s in sections),
        sections="".join(map(_section, sections)),
        figures=_figures(sections),
        plotly=get_plotlyjs(),
        script=own.joinpath("page.js").read_text(encoding="utf-8"),
    )


def _section(section: Section) -> str:
    blocks = []
    for is_chart, found in groupby(section.blocks, lambda block: isinstance(block, Chart)):
        html = "".join(map(_block, found))
        blocks.append(f'<div class="cards">{html}</div>' if is_chart else html)
    return (
        f'<section id="{section.id}"><h2>{escape(section.title)}</h2>'
        f'<p class="lead">{escape(section.lead)}</p>{"".join(blocks)}</section>\n'
    )


def _block(block: Chart | Table | Note) -> str:
    if isinstance(block, Chart):
        return _chart(block)
    if isinstance(block, Table):
        return _table(block)
    return f'<p class="{"warning" if block.warning else "note"}">{escape(block.text)}</p>'


def _chart(chart: Chart) -> str:
    legend = "".join(
        f'<li><i style="background:{color}"></i>{escape(name)}</li>'
        for name, color in chart.legend.items()
    )
    size = "small" if chart.small else "several" if len(chart.panels) > 1 else "single"
    panels = "".join(_panel(panel, chart.title) for panel in chart.panels)
    return (
        f'<figure class="card{" wide" if chart.wide else ""}"><h3>{escape(chart.title)}</h3>'
        + (f'<ul class="legend">{legend}</ul>' if legend else "")
        + f'<div class="panels {size}">{panels}</div>'
        + f"<figcaption>{escape(chart.caption)}</figcaption></figure>\n"
    )


def _panel(panel: Panel, title: str) -> str:
    name = f"{title}: {panel.label}" if panel.label else title
    return (
        '<div class="panel">'
        + (f"<h4>{escape(panel.label)}</h4>" if panel.label else "")
        + f'<div id="{panel.id}" class="plot" role="img" aria-label="{escape(name)}" '
        + f'style="height:{panel.figure.layout.height}px"></div></div>'
    )


def _table(table: Table) -> str:
    numeric = [
        any(isinstance(row[place][0], int | float) for row in table.rows)
        and not any(isinstance(row[place][0], bool | str) for row in table.rows)
        for place in range(len(table.columns))
    ]
    heads = "".join(
        f'<th scope="col"{_class(is_number)}><button type="button">{escape(name)}</button></th>'
        for name, is_number in zip(table.columns, numeric, strict=True)
    )
    rows = "".join(
        ('<tr class="best">' if place in table.highlighted else "<tr>")
        + "".join(map(_cell, row, numeric))
        + "</tr>"
        for place, row in enumerate(table.rows)
    )
    return (
        f'<div class="card table"><h3>{escape(table.caption)}</h3>'
        f'<div class="scroll{" tall" if table.tall else ""}" tabindex="0" role="region" '
        f'aria-label="{escape(table.caption)}"><table id="{table.id}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></div>\n"
    )


def _cell(cell: tuple[object, str], is_number: bool) -> str:
    value, text = cell
    sorts = "" if value is None else int(value) if isinstance(value, bool) else value
    kind = ' class="long"' if len(text) > LONG else _class(is_number)
    return f'<td{kind} data-value="{escape(str(sorts))}">{escape(text)}</td>'


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _figures(sections: list[Section]) -> str:
    """Return the figures as JSON, escaped so that no text from the data can end the script."""
    charts = [block for section in sections for block in section.blocks if isinstance(block, Chart)]
    found = [
        {"id": panel.id} | _rounded(panel.figure.to_plotly_json())
        for chart in charts
        for panel in chart.panels
    ]
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if value == value else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
