"""Figures about playlists: each takes the rows of one mart and returns a plotly figure."""

import plotly.graph_objects as go

from hitparade.report.parts import label
from hitparade.report.style import ACCENT, SECOND, figure, names


def moods(rows: list[dict]) -> go.Figure:
    """Mean energy and valence by tenth of a playlist, with bands of two standard errors."""
    traces = []
    for name, color in (("energy", ACCENT), ("valence", SECOND)):
        means = [row[f"mean_{name}"] for row in rows]
        errors = [2.0 * (row[f"{name}_standard_error"] or 0) for row in rows]
        traces += [_band(rows, means, errors, color), _line(rows, name, means, color)]
    x = {"title_text": "tenth of the playlist", "dtick": 1, "showgrid": False}
    y = {"title_text": "mean", "nticks": 6}
    return figure(traces, 300, x=x, y=y)


def _band(rows: list[dict], means: list[float], errors: list[float], color: str) -> go.Scatter:
    tenths = [row["tenth"] for row in rows]
    upper = [mean + error for mean, error in zip(means, errors, strict=True)]
    lower = [mean - error for mean, error in zip(means, errors, strict=True)]
    return go.Scatter(
        x=tenths + tenths[::-1],
        y=upper + lower[::-1],
        mode="lines",
        fill="toself",
        fillcolor=color,
        opacity=0.2,
        line={"width": 0},
        hoverinfo="skip",
    )


def _line(rows: list[dict], name: str, means: list[float], color: str) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=[row["tenth"] for row in rows],
        y=means,
        mode="lines+markers",
        line={"color": color, "width": 2},
        marker={"size": 5, "color": color},
        customdata=[row["tracks"] for row in rows],
        hovertemplate=f"tenth %{{x}}: {name} %{{y:.3f}} (%{{customdata:,}} tracks)<extra></extra>",
    )


def artists(rows: list[dict]) -> go.Figure:
    """The artists that are in the most playlists, as bars."""
    who = [label(row["artist_name"]) for row in rows]
    bars = go.Bar(
        x=[row["playlist_share"] for row in rows],
        y=who,
        orientation="h",
        marker_color=ACCENT,
        customdata=[[row["playlists"], row["tracks"], row["entries_per_playlist"]] for row in rows],
        hovertemplate="%{y}: %{x:.1%} of playlists (%{customdata[0]:,})<br>%{customdata[1]:,} "
        "tracks, %{customdata[2]:.2f} places in each playlist<extra></extra>",
    )
    x = {"title_text": "share of playlists", "tickformat": ".0%", "nticks": 6}
    return figure([bars], 60 + 24 * len(rows), x=x, y=names(who), bargap=0.4)


def recommendations(found: dict[str, dict[int | None, float]]) -> go.Figure:
    """Shares of plays and of recommendations by tenth of popularity, as bars."""
    bars = []
    for name, measure, color in (
        ("plays", "play_share", ACCENT),
        ("recommendations", "offer_share", SECOND),
    ):
        shares = {tenth: share for tenth, share in found[measure].items() if tenth}
        bars.append(
            go.Bar(
                name=name,
                x=list(shares),
                y=list(shares.values()),
                marker_color=color,
                hovertemplate=f"tenth %{{x}}: %{{y:.1%}} of {name}<extra></extra>",
            )
        )
    x = {"title_text": "tenth of the tracks by plays", "dtick": 1, "showgrid": False}
    y = {"title_text": "share", "tickformat": ".0%", "nticks": 6}
    return figure(bars, 300, x=x, y=y, bargap=0.3)
