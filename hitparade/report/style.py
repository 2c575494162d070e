"""The style of all figures: three colors, no frame, and no gestures that block scrolling."""

from typing import Any

import plotly.graph_objects as go

INK = "#1f2a33"
MUTED = "#596673"
LINE = "#e4e8eb"
ACCENT = "#0f6b6b"  # the champion, the Top 100, observed values
SECOND = "#c9772b"  # predicted values, the baseline, values below zero
REST = "#b3c0ca"  # everything else
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
    """Return a figure in the common style, as wide as its container."""
    made = dress(go.Figure(traces), height)
    made.update_layout(**layout)
    made.update_xaxes(**(x or {}))
    made.update_yaxes(**(y or {}))
    return made


def dress(made: go.Figure, height: int) -> go.Figure:
    """Apply the common style to a figure and its axes."""
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
    """Return an axis of names, the first on top; plotly must not read them as numbers or dates."""
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
