"""Figures about song optimization: each takes the rows of a query and returns a plotly figure."""

import plotly.graph_objects as go

from hitparade.report.parts import label, plain
from hitparade.report.style import ACCENT, REST, SECOND, figure, names

LONGEST = 24


def before_and_after(rows: list[dict]) -> go.Figure:
    """Popularity of songs before and after their changes, and the held-out evaluator's gain."""
    # Numbered because two songs may have the same name, and short to fit a narrow page.
    titles = [row["track_name"] for row in rows]
    songs = [
        f"{place}. {label(title if len(title) <= LONGEST else title[: LONGEST - 1] + '…')}"
        for place, title in enumerate(titles, 1)
    ]
    traces: list = [
        go.Bar(
            name=side,
            x=[row[f"popularity_{side}"] for row in rows],
            y=songs,
            orientation="h",
            marker_color=color,
            hovertemplate=f"%{{y}}: {side} %{{x:.1f}}<extra></extra>",
        )
        # The first bar of a group is drawn at the bottom.
        for side, color in (("after", ACCENT), ("before", REST))
    ]
    traces.append(
        go.Scatter(
            name="by the held-out evaluator",
            x=[row["popularity_before"] + row["judged_delta"] for row in rows],
            y=songs,
            mode="markers",
            marker={"symbol": "diamond", "size": 9, "color": SECOND},
            customdata=[row["judged_delta"] for row in rows],
            hovertemplate="%{y}: %{customdata:+.1f} by the held-out evaluator<extra></extra>",
        )
    )
    x = {"title_text": "popularity", "nticks": 6}
    return figure(traces, 60 + 34 * len(rows), x=x, y=names(songs), barmode="group", bargap=0.35)


def features(rows: list[dict], songs: int) -> go.Figure:
    """The share of songs in which each feature changes, as bars."""
    which = [plain(row["feature"]) for row in rows]
    bars = go.Bar(
        x=[row["songs"] / songs for row in rows],
        y=which,
        orientation="h",
        marker_color=ACCENT,
        customdata=[[row["songs"], row["mean_effect"], row["raised"]] for row in rows],
        hovertemplate="%{y}: %{x:.1%} of songs (%{customdata[0]:,})<br>%{customdata[1]:+.2f} "
        "points each, raised in %{customdata[2]:.0%}<extra></extra>",
    )
    x = {"title_text": "share of songs", "tickformat": ".0%", "nticks": 6}
    return figure([bars], 60 + 26 * len(rows), x=x, y=names(which), bargap=0.4)
