"""Figures about music: each takes the rows of one mart and returns a plotly figure."""

import plotly.graph_objects as go

from hitparade.report.parts import label, number, percent, plain
from hitparade.report.style import ACCENT, DIVERGING, INK, LINE, MUTED, REST, SECOND, figure, names


def differences(rows: list[dict]) -> go.Figure:
    """Differences of the Top 100 by feature, in standard deviations, with the noise shaded."""
    features = [plain(row["feature"]) for row in rows]
    bars = go.Bar(
        x=[row["difference_in_sd"] for row in rows],
        y=features,
        orientation="h",
        marker_color=[ACCENT if (row["difference_in_sd"] or 0) >= 0 else SECOND for row in rows],
        customdata=[[row["top_100_mean"], row["all_mean"]] for row in rows],
        hovertemplate="%{y}: %{x:+.2f} sd<br>Top 100 %{customdata[0]:,.4~g}, "
        "all %{customdata[1]:,.4~g}<extra></extra>",
    )
    noise = max((row["noise"] or 0 for row in rows), default=0)
    band = {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": -noise,
        "x1": noise,
        "y0": 0,
        "y1": 1,
        "fillcolor": "#eef1f3",
        "line": {"width": 0},
        "layer": "below",
    }
    x = {
        "title_text": "difference in standard deviations",
        "zeroline": True,
        "zerolinecolor": MUTED,
        "nticks": 6,
    }
    return figure([bars], 60 + 26 * len(rows), x=x, y=names(features), shapes=[band], bargap=0.4)


def distribution(rows: list[dict]) -> go.Figure:
    """Distribution of a feature: all rows as gray bars, the Top 100 as a line."""
    middle = [(row["low"] + row["high"]) / 2 for row in rows]
    bins = [f"{row['low']:.4g} to {row['high']:.4g}" for row in rows]
    widths = [row["high"] - row["low"] for row in rows]
    hover = "%{customdata[0]}: %{y:.1%} (%{customdata[1]:,} rows)"
    everything = go.Bar(
        name="all",
        x=middle,
        y=[row["share"] for row in rows],
        width=widths,
        marker={"color": REST, "line": {"width": 0}},
        customdata=[[text, row["row_count"]] for text, row in zip(bins, rows, strict=True)],
        hovertemplate=f"{hover}<extra>all</extra>",
    )
    top = go.Scatter(
        name="Top 100",
        x=middle,
        y=[row["top_100_share"] for row in rows],
        mode="lines+markers",
        line={"color": ACCENT, "width": 2, "shape": "hvh"},
        marker={"size": 3, "color": ACCENT},
        customdata=[[text, row["top_100_rows"]] for text, row in zip(bins, rows, strict=True)],
        hovertemplate=f"{hover}<extra>Top 100</extra>",
    )
    y = {"tickformat": ".0%", "nticks": 4, "rangemode": "tozero"}
    x = {"nticks": 5, "tickangle": 0, "tickfont": {"size": 10}, "showgrid": False}
    return figure([everything, top], 150, x=x, y=y, bargap=0)


def correlations(rows: list[dict]) -> go.Figure:
    """Correlations of pairs of features; the diagonal, 1 by definition, is left blank."""
    features = sorted({row["feature"] for row in rows} | {row["other_feature"] for row in rows})
    cells: dict[tuple[str, str], dict] = {}
    for row in rows:
        cells[row["feature"], row["other_feature"]] = row
        cells.setdefault((row["other_feature"], row["feature"]), row)
    grid = [[None if a == b else cells.get((a, b)) for b in features] for a in features]
    values = [[cell["correlation"] if cell else None for cell in line] for line in grid]
    axis = [plain(name) for name in features]
    heatmap = go.Heatmap(
        x=axis,
        y=axis,
        z=values,
        text=[[_hundredths(value) for value in line] for line in values],
        texttemplate="%{text}",
        textfont={"size": 9},
        customdata=[[cell["row_count"] if cell else 0 for cell in line] for line in grid],
        hovertemplate="%{y} and %{x}: %{z:.3f}<br>%{customdata:,} rows<extra></extra>",
        colorscale=DIVERGING,
        zmin=-1,
        zmax=1,
        showscale=False,
        hoverongaps=False,
        xgap=1,
        ygap=1,
    )
    x = {**names(axis), "range": [-0.5, len(axis) - 0.5], "tickangle": -90}
    return figure([heatmap], 130 + 28 * len(axis), x=x, y=names(axis), plot_bgcolor=LINE)


def genre_bars(rows: list[dict], measure: str, predicted: str, limit: float) -> go.Figure:
    """A measure of some genres as bars, and the champion's predictions as marks."""
    genres = [label(row["genre"]) for row in rows]
    form = ".0%" if measure == "hit_share" else ".0f"
    detail = [[row["tracks"], _value(row[measure], measure)] for row in rows]
    bars = go.Bar(
        name="actual",
        x=[row[measure] for row in rows],
        y=genres,
        orientation="h",
        marker_color=ACCENT,
        customdata=detail,
        hovertemplate="%{y}: %{customdata[1]}<br>%{customdata[0]:,} tracks<extra>actual</extra>",
    )
    said = [row for row in rows if row[predicted] is not None]
    marks = go.Scatter(
        name="predicted",
        x=[row[predicted] for row in said],
        y=[label(row["genre"]) for row in said],
        mode="markers",
        marker={"symbol": "diamond", "size": 9, "color": SECOND},
        customdata=[_value(row[predicted], measure) for row in said],
        hovertemplate="%{y}: %{customdata}<extra>predicted</extra>",
    )
    x = {"range": [0, limit], "tickformat": form, "nticks": 6}
    return figure([bars, marks], 40 + 23 * len(rows), x=x, y=names(genres), bargap=0.4)


def genre_fit(rows: list[dict], measure: str, predicted: str) -> go.Figure:
    """Predicted against actual values, one dot for each genre, with the diagonal of agreement."""
    said = [row for row in rows if row[measure] is not None and row[predicted] is not None]
    limit = 1.08 * max((max(row[measure], row[predicted]) for row in said), default=1)
    form = ".0%" if measure == "hit_share" else ".0f"
    diagonal = go.Scatter(
        x=[0, limit],
        y=[0, limit],
        mode="lines",
        name="agreement",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    dots = go.Scatter(
        name="genres",
        x=[row[measure] for row in said],
        y=[row[predicted] for row in said],
        mode="markers",
        marker={"size": 8, "color": ACCENT, "opacity": 0.6},
        customdata=[
            [label(row["genre"]), _value(row[measure], measure), _value(row[predicted], measure)]
            for row in said
        ],
        hovertemplate="%{customdata[0]}<br>actual %{customdata[1]}, predicted %{customdata[2]}"
        "<extra></extra>",
    )
    axis = {"range": [0, limit], "tickformat": form, "nticks": 6}
    x, y = {**axis, "title_text": "actual"}, {**axis, "title_text": "predicted"}
    return figure([diagonal, dots], 340, x=x, y=y, font={"color": INK})


def _hundredths(value: float | None) -> str:
    """Return two decimals without the leading zero; '' for a weak correlation."""
    return "" if value is None or abs(value) < 0.1 else f"{value:.2f}".replace("0.", ".", 1)


def _value(value: float | None, measure: str) -> str:
    return percent(value) if measure == "hit_share" else number(value, ".1f")
