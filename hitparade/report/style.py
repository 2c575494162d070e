"""The look of every figure: three colours, no frame, nothing that catches a scrolling finger."""

from typing import Any

import plotly.graph_objects as go

INK = "#1f2a33"
MUTED = "#596673"
LINE = "#e4e8eb"
ACCENT = "#0f6b6b"  # the champion, the Top 100, what was observed
SECOND = "#c9772b"  # what was predicted, the baseline, below zero
REST = "#b3c0ca"  # all others
PAPER = "#ffffff"
DIVERGING = [[0, SECOND], [0.5, "#f7f7f5"], [1, ACCENT]]
SEQUENTIAL = [[0, "#f4f7f7"], [1, "#6fb0ae"]]  # light enough for dark text
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
AXIS = {
    "automargin": True,
    "fixedrange": True,
    "gridcolor": LINE,
    "linecolor": LINE,
    "tickcolor": LINE,
    "tickfont": {"size": 12, "color": MUTED},
    "title": {"font": {"size": 12, "color": MUTED}, "standoff": 6},
    "zeroline": False,
}


def figure(
    traces: list, height: int, x: dict | None = None, y: dict | None = None, **layout: Any
) -> go.Figure:
    """A figure in the common look; it takes the width of its place."""
    made = dress(go.Figure(traces), height)
    made.update_layout(**layout)
    made.update_xaxes(**(x or {}))
    made.update_yaxes(**(y or {}))
    return made


def dress(made: go.Figure, height: int) -> go.Figure:
    """The common look for a figure and all its axes."""
    made.update_layout(
        template="none",
        height=height,
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        dragmode=False,
        showlegend=False,
        hoverlabel={
            "bgcolor": PAPER,
            "bordercolor": LINE,
            "align": "left",
            "font": {"family": FONT, "size": 12, "color": INK},
        },
    )
    made.update_xaxes(**AXIS)
    made.update_yaxes(**AXIS)
    return made


def names(values: list[str]) -> dict:
    """An axis of names, the first on top; a name that looks like a number or a date stays one."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": values,
        "range": [len(values) - 0.5, -0.5],
        "showgrid": False,
        "ticks": "",
        "tickmode": "array",
        "tickvals": values,
        "tickfont": {"size": 12, "color": INK},
    }
