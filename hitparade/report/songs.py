"""A section about songs: what to change in them, and what a judge says of it."""

import duckdb

from hitparade.report import song_figures as figures
from hitparade.report.parts import Chart, Note, Panel, Section, Table, fetch, number, plain
from hitparade.report.style import ACCENT, REST, SECOND

SONGS = """
    select
        tracks.track_name,
        tracks.artists,
        any_value(advice.popularity_before) as popularity_before,
        any_value(advice.popularity_after) as popularity_after,
        any_value(advice.judged_delta) as judged_delta,
        list(struct_pack(
            feature := advice.feature, old := advice.value_before, new := advice.value_after
        ) order by advice.change_rank) as changes
    from fct_song_optimizations as advice
    inner join dim_tracks as tracks on advice.track_id = tracks.track_id
    -- of the others the model knows too little: even changed, it sees them below what they have
    where advice.change_rank > 0 and advice.popularity_after > tracks.popularity
    group by tracks.track_id, tracks.track_name, tracks.artists
    order by judged_delta desc, tracks.track_id
    limit 12
"""
FEATURES = """
    select
        feature,
        count(*) as songs,
        avg(effect) as mean_effect,
        count(*) filter (delta > 0) / count(*) as raised
    from fct_song_optimizations
    where change_rank > 0
    group by feature
    order by songs desc, feature
"""
UNDERRATED = (
    "The model sees every song below the popularity that it has, even after its changes: it knows "
    "too little of them for an example."
)
OPTIMIZED = "select count(distinct track_id) as songs from fct_song_optimizations"


def advice(connection: duckdb.DuckDBPyConnection) -> Section:
    """The songs that would gain most, before and after, and which features are changed at all."""
    rows, features = fetch(connection, SONGS), fetch(connection, FEATURES)
    blocks: list = [
        Note("No song is optimised: there is no champion for it, or no change that helps.")
    ]
    if features:
        (optimized,) = fetch(connection, OPTIMIZED)
        songs = [_songs(rows), _changes(rows)] if rows else [Note(UNDERRATED)]
        blocks = [*songs, _features(features, optimized["songs"])]
    return Section(
        "advice",
        "Advice",
        "What to change in songs",
        "Up to three changes for each song of a selection, by default those just below the hit "
        "cut. The student is a model of popularity that is climbed; the judge is another, trained "
        "on other artists, that was not. Both know what goes with popularity, not what causes it.",
        blocks,
    )


def _songs(rows: list[dict]) -> Chart:
    first = rows[0]
    return Chart(
        f"{first['track_name']} would go from {first['popularity_before']:.0f} to "
        f"{first['popularity_after']:.0f} by the model, and gain {first['judged_delta']:.0f} "
        "by the judge",
        f"The {len(rows)} songs with the largest gain by the judge, of those that the model would "
        "see above the popularity they have: what it says before and after, and where the judge "
        "sees them end.",
        [Panel("advice-songs", figures.before_and_after(rows))],
        {"before": REST, "after": ACCENT, "by the judge": SECOND},
    )


def _changes(rows: list[dict]) -> Table:
    return Table(
        "song-changes",
        "What to change in them, the most useful first",
        ["song", "artists", "changes", "student", "judge"],
        [
            [
                (row["track_name"], row["track_name"]),
                (row["artists"], row["artists"]),
                (len(row["changes"]), ", ".join(_in_words(change) for change in row["changes"])),
                (gain := row["popularity_after"] - row["popularity_before"], number(gain, "+.1f")),
                (row["judged_delta"], number(row["judged_delta"], "+.1f")),
            ]
            for row in rows
        ],
    )


def _in_words(change: dict) -> str:
    return f"{plain(change['feature'])} {change['old']:.3g} to {change['new']:.3g}"


def _features(rows: list[dict], songs: int) -> Chart:
    first = rows[0]
    return Chart(
        f"{plain(first['feature']).capitalize()} is changed in {first['songs'] / songs:.0%} of the "
        "songs",
        f"The features that are changed in {songs:,} songs; how much a change adds, and how often "
        "it is a raise, is under the pointer.",
        [Panel("advice-features", figures.features(rows, songs))],
    )
