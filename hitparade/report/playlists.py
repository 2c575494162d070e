"""The section about playlists: moods, artists, and tracks of unusual length."""

import duckdb

from hitparade.report import playlist_figures as figures
from hitparade.report.parts import Chart, Note, Panel, Section, Table, fetch, number
from hitparade.report.style import ACCENT, SECOND

MOODS = "select * from rpt_playlist_moods order by tenth"
ARTISTS = "select * from rpt_artist_frequency order by playlist_rank, artist_uri limit 20"
OUTLIERS = "select * from rpt_duration_outliers order by playlists desc, track_uri limit 20"
RULES = {
    "no_stream": "too short for a stream to count",
    "short": "short for these playlists",
    "long": "long for these playlists",
}


def moods_and_artists(connection: duckdb.DuckDBPyConnection) -> Section:
    """Energy and valence from beginning to end, and the artists in the most playlists."""
    moods, artists = fetch(connection, MOODS), fetch(connection, ARTISTS)
    outliers = fetch(connection, OUTLIERS)
    blocks: list = []
    if not artists:
        blocks.append(Note("There are no playlists: no slice was read."))
    if moods:
        blocks.append(_moods(moods))
    elif artists:
        blocks.append(Note("No playlist has ten tracks that are in the tracks file."))
    if artists:
        blocks.append(_artists(artists))
    if outliers:
        blocks.append(_outliers(outliers))
    return Section(
        "playlists",
        "Playlists",
        "What playlists contain",
        "Based on the slices of playlists. The sound of a track is known if the track is also in "
        "the tracks file.",
        blocks,
    )


def _moods(rows: list[dict]) -> Chart:
    change = rows[-1]["mean_energy"] - rows[0]["mean_energy"]
    noise = 2 * max(row["energy_standard_error"] or 0 for row in rows)
    direction = "falls" if change < 0 else "rises"
    said = (
        f"Energy {direction} by {abs(change):.2f} from the beginning of a playlist to its end"
        if abs(change) > noise
        else "Energy stays about the same from the beginning of a playlist to its end"
    )
    return Chart(
        said,
        f"Means over {rows[0]['playlists']:,} playlists, by tenth of their length. All playlists "
        "have equal weight. The bands are two standard errors.",
        [Panel("playlist-moods", figures.moods(rows))],
        {"energy": ACCENT, "valence": SECOND},
    )


def _artists(rows: list[dict]) -> Chart:
    first = rows[0]
    return Chart(
        f"{first['artist_name']} is in {first['playlist_share']:.1%} of the playlists",
        f"The {len(rows)} artists in the most playlists. Point at a bar for how often an artist is "
        "in a playlist.",
        [Panel("playlist-artists", figures.artists(rows))],
    )


def _outliers(rows: list[dict]) -> Table:
    return Table(
        "duration-outliers",
        f"The {len(rows)} most played tracks of unusual length, and the rule that says so",
        ["track", "artist", "seconds", "rule", "limit", "playlists"],
        [
            [
                (row["track_name"], row["track_name"]),
                (row["artist_name"], row["artist_name"]),
                (row["seconds"], number(row["seconds"], ".0f")),
                (row["rule"], RULES[row["rule"]]),
                (row["limit_seconds"], number(row["limit_seconds"], ".0f")),
                (row["playlists"], f"{row['playlists']:,}"),
            ]
            for row in rows
        ],
    )
