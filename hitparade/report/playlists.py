"""A section about playlists: their moods, their artists, tracks of unusual length."""

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
    """How energy and valence go from beginning to end, and who stands in most playlists."""
    moods, artists = fetch(connection, MOODS), fetch(connection, ARTISTS)
    outliers = fetch(connection, OUTLIERS)
    blocks: list = []
    if not artists:
        blocks.append(Note("There are no playlists: no slice of them was read."))
    if moods:
        blocks.append(_moods(moods))
    elif artists:
        blocks.append(Note("No playlist has ten tracks whose sound the tracks file knows."))
    if artists:
        blocks.append(_artists(artists))
    if outliers:
        blocks.append(_outliers(outliers))
    return Section(
        "playlists",
        "Playlists",
        "How playlists go",
        "The playlists of the slices; the sound of a track is known where the tracks file has it "
        "too.",
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
        f"Means of {rows[0]['playlists']:,} playlists in tenths of their length, each playlist "
        "once; the bands are two standard errors.",
        [Panel("playlist-moods", figures.moods(rows))],
        {"energy": ACCENT, "valence": SECOND},
    )


def _artists(rows: list[dict]) -> Chart:
    first = rows[0]
    return Chart(
        f"{first['artist_name']} stands in {first['playlist_share']:.1%} of the playlists",
        f"The {len(rows)} artists in most playlists; how often each stands in one is under the "
        "pointer.",
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
