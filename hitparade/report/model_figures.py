"""Figures about models: each takes the rows of one mart and returns a plotly figure."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hitparade.report.parts import label, metric, model, number, plain
from hitparade.report.style import (
    ACCENT,
    INK,
    LINE,
    MUTED,
    PAPER,
    REST,
    SECOND,
    SEQUENTIAL,
    dress,
    figure,
    names,
)

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")


def scores(rows: list[dict]) -> go.Figure:
    """Models of a task by mean, with 2 standard errors, baseline and best achievable score."""
    models = [model(row) for row in rows]
    colors = [ACCENT if row["is_champion"] else MUTED for row in rows]
    errors = [2 * (row["standard_error"] or 0) for row in rows]
    details = [
        [number(error), number(row["gain"]), label(row["verdict"])]
        for row, error in zip(rows, errors, strict=True)
    ]
    traces = []
    limits = (("baseline", "baseline", SECOND), ("best achievable", "ceiling", INK))
    for name, column, color in limits:
        marked = [row for row in rows if row[column] is not None]
        traces.append(
            go.Scatter(
                name=name,
                x=[row[column] for row in marked],
                y=[model(row) for row in marked],
                mode="markers",
                marker={
                    "symbol": "line-ns-open",
                    "size": 20,
                    "color": color,
                    "line": {"width": 3, "color": color},
                },
                hovertemplate=f"{name} %{{x:.4f}}<extra></extra>",
            )
        )
    dots = go.Scatter(
        name="mean",
        x=[row["mean"] for row in rows],
        y=models,
        mode="markers",
        marker={"size": 11, "color": colors},
        error_x={"array": errors, "color": MUTED, "thickness": 1.5, "width": 5},
        customdata=details,
        hovertemplate="%{y}: %{x:.4f} ± %{customdata[0]}<br>gain %{customdata[1]}"
        "<br>%{customdata[2]}<extra></extra>",
    )
    better = "higher" if rows[0]["higher_is_better"] else "lower"
    title = f"{metric(rows[0]['metric'])} ({better} is better)"
    height = 72 + 40 * len(rows)
    return figure([*traces, dots], height, x={"title_text": title}, y=names(models))


def importances(rows: list[dict]) -> go.Figure:
    """Importances of the champion as bars, and of the other algorithms as marks."""
    champion = {row["feature"]: row["importance"] for row in rows if row["is_champion"]}
    ranks = {row["feature"]: row["importance_rank"] for row in rows}
    features = sorted(ranks, key=lambda name: (-champion.get(name, 0), ranks[name], name))
    axis = [plain(name) for name in features]
    models = sorted({(not row["is_champion"], model(row)) for row in rows})
    limit = importance_limit(rows)
    traces = []
    for place, (is_other, name) in enumerate(models):
        found = {row["feature"]: row["importance"] for row in rows if model(row) == name}
        values = [found.get(feature) for feature in features]
        points = {
            "name": name + ("" if is_other else " (champion)"),
            "x": [value and min(value, limit) for value in values],
            "customdata": values,
            "hovertemplate": f"%{{y}}: %{{customdata:.4f}}<extra>{label(name)}</extra>",
        }
        if is_other:
            mark = {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9, "color": MUTED}
            mark["line"] = {"color": PAPER, "width": 1}
            traces.append(go.Scatter(y=axis, mode="markers", marker=mark, **points))
        else:
            traces.append(go.Bar(y=axis, orientation="h", marker_color=ACCENT, **points))
    title = f"loss of {metric(rows[0]['metric'])}"
    beyond = [row for row in rows if row["importance"] > limit]
    return figure(
        traces,
        92 + 25 * len(features),
        x={"title_text": title, "zeroline": True, "zerolinecolor": LINE, "nticks": 6},
        y=names(axis),
        bargap=0.35,
        annotations=[
            {
                "x": limit,
                "y": plain(row["feature"]),
                "text": f"{row['importance']:.3g} →",
                "xanchor": "right",
                "xshift": -9,
                "showarrow": False,
                "font": {"size": 11, "color": MUTED},
            }
            for row in beyond
        ],
        showlegend=True,
        legend={
            "orientation": "h",
            "xref": "container",
            "yref": "container",
            "x": 0,
            "y": 1,
            "yanchor": "top",
        },
    )


def importance_limit(rows: list[dict]) -> float:
    """Return the end of the axis of importances, so that outliers do not flatten the bars."""
    highest = max(row["importance"] for row in rows)
    of_champion = max((row["importance"] for row in rows if row["is_champion"]), default=0)
    return min(highest, 2.5 * of_champion) if of_champion > 0 else highest


def reliability(rows: list[dict]) -> go.Figure:
    """Predicted probabilities of a label against observed shares, over the rows of each bin."""
    made = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.07
    )
    diagonal = go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="diagonal",
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    made.add_trace(diagonal, row=1, col=1)
    order = sorted({(row["is_champion"], model(row)) for row in rows})
    for is_champion, name in order:
        bins = [row for row in rows if model(row) == name]
        line = go.Scatter(
            x=[row["predicted"] for row in bins],
            y=[row["observed"] for row in bins],
            mode="lines+markers",
            name=name,
            line={"color": ACCENT if is_champion else REST, "width": 2 if is_champion else 1.5},
            marker={"size": 8 if is_champion else 5},
            customdata=[row["row_count"] for row in bins],
            hovertemplate="predicted %{x:.1%}, observed %{y:.1%}<br>%{customdata:,} rows"
            f"<extra>{label(name)}</extra>",
        )
        made.add_trace(line, row=1, col=1)
    counted = [row for row in rows if model(row) == order[-1][1]]
    bars = go.Bar(
        x=[(row["low"] + row["high"]) / 2 for row in counted],
        y=[row["row_count"] for row in counted],
        name="rows",
        marker_color=REST,
        text=[_short(row["row_count"]) for row in counted],
        textposition="outside",
        textangle=0,
        textfont={"size": 9, "color": MUTED},
        cliponaxis=False,
        constraintext="none",
        hovertemplate="%{y:,} rows<extra></extra>",
    )
    made.add_trace(bars, row=2, col=1)
    dress(made, 340).update_layout(bargap=0.12)
    made.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25)
    made.update_xaxes(title_text="predicted probability", row=2, col=1)
    made.update_yaxes(range=[-0.02, 1.02], tickformat=".0%", dtick=0.25, row=1, col=1)
    made.update_yaxes(title_text="observed share", row=1, col=1)
    top = 1.3 * max(row["row_count"] for row in counted)
    made.update_yaxes(range=[0, top], showgrid=False, showticklabels=False, ticks="", row=2, col=1)
    made.update_yaxes(title_text="rows", row=2, col=1)
    return made


def tiers(rows: list[dict], order: list[str]) -> go.Figure:
    """The labels that a model predicts for the rows of each actual label, as shares of them."""
    shown = [label(name) for name in order]
    cells = {(row["actual"], row["predicted"]): row for row in rows}
    grid = [[cells.get((actual, predicted)) for predicted in order] for actual in order]
    shares = [[cell and cell["share_of_actual"] for cell in line] for line in grid]
    heatmap = go.Heatmap(
        x=shown,
        y=shown,
        z=shares,
        customdata=[[cell["row_count"] if cell else 0 for cell in line] for line in grid],
        text=[["" if share is None else f"{share:.0%}" for share in line] for line in shares],
        texttemplate="%{text}",
        textfont={"color": INK},
        colorscale=SEQUENTIAL,
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="actual %{y}, predicted %{x}<br>%{z:.1%} of %{y}, %{customdata:,} rows"
        "<extra></extra>",
    )
    x = {**names(shown), "range": [-0.5, len(order) - 0.5], "title_text": "predicted"}
    return figure([heatmap], 320, x=x, y={**names(shown), "title_text": "actual"})


def _short(count: int) -> str:
    return f"{count / 1000:.2g}k" if count >= 1000 else str(count)
