"""The sections about playlists: moods, artists, unusual lengths; and recommended next songs."""

import duckdb

from hitparade.report import playlist_figures as figures
from hitparade.report.parts import Chart, Note, Panel, Section, Table, fetch, number
from hitparade.report.style import ACCENT, SECOND

MOODS = "select * from rpt_playlist_moods order by tenth"
ARTISTS = "select * from rpt_artist_frequency order by playlist_rank, artist_uri limit 20"
OUTLIERS = "select * from rpt_duration_outliers order by playlists desc, track_uri limit 20"
RECOMMENDED = "select * from rpt_recommendation_quality order by popularity_tenth, measure"
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


def recommendations(connection: duckdb.DuckDBPyConnection) -> Section:
    """Which tracks the stored next songs offer, and how many artists are in a list."""
    found: dict[str, dict[int | None, float]] = {}
    for row in fetch(connection, RECOMMENDED):
        found.setdefault(row["measure"], {})[row["popularity_tenth"]] = row["value"]
    blocks: list = [_offers(found), Note(_lists(found))] if "offer_share" in found else []
    return Section(
        "recommendations",
        "Next songs",
        "What the next songs offer",
        "Based on the ten next songs that are stored for each playlist.",
        blocks or [Note("There are no next songs: no playlists, or no champion of next_song.")],
    )


def _offers(found: dict[str, dict[int | None, float]]) -> Chart:
    plays, offers = found["play_share"].get(1, 0.0), found["offer_share"].get(1, 0.0)
    return Chart(
        f"The most played tenth of the tracks gets {plays:.0%} of the plays and {offers:.0%} of "
        "the recommendations",
        "Tracks by tenth of popularity, the most played ones first: their share of the plays in "
        "playlists, and of the places in lists of next songs.",
        [Panel("recommendation-shares", figures.recommendations(found))],
        {"plays": ACCENT, "recommendations": SECOND},
    )


def _lists(found: dict[str, dict[int | None, float]]) -> str:
    def value(measure: str) -> float:
        return found[measure][None]

    return (
        f"{value('coverage'):.0%} of the tracks that the model knows are in a list. A list has "
        f"songs by {value('artists_in_a_list'):.1f} artists on average, and "
        f"{value('most_songs_of_an_artist'):.1f} by the artist with most. In "
        f"{value('share_with_5_songs_of_an_artist'):.0%} of the lists, one artist has five or more."
    )
