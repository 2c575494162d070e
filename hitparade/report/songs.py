"""The section about song optimization: what to change, and what the held-out evaluator says."""

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
    -- the others are poor examples: even after their changes the model underrates them
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
    "The model underrates every song, even after its changes: it expects less than the actual "
    "popularity. So no song is shown as an example."
)
OPTIMIZED = "select count(distinct track_id) as songs from fct_song_optimizations"


def advice(connection: duckdb.DuckDBPyConnection) -> Section:
    """The songs that would gain the most, and how often each feature is changed."""
    rows, features = fetch(connection, SONGS), fetch(connection, FEATURES)
    blocks: list = [Note("No song is optimized: there is no champion, or no change helps.")]
    if features:
        (optimized,) = fetch(connection, OPTIMIZED)
        songs = [_songs(rows), _changes(rows)] if rows else [Note(UNDERRATED)]
        blocks = [*songs, _features(features, optimized["songs"])]
    return Section(
        "advice",
        "Advice",
        "What to change in songs",
        "Up to three changes for each selected song, by default songs just below the hit cut. The "
        "changes maximize the prediction of one model of popularity. The held-out evaluator is a "
        "second model, trained on other artists. Both know what correlates with popularity, not "
        "what causes it.",
        blocks,
    )


def _songs(rows: list[dict]) -> Chart:
    first = rows[0]
    return Chart(
        f"{first['track_name']} would go from {first['popularity_before']:.0f} to "
        f"{first['popularity_after']:.0f} by the model, and gain {first['judged_delta']:.0f} "
        "by the held-out evaluator",
        f"The {len(rows)} songs with the largest gain by the held-out evaluator, out of those that "
        "the model would put above their actual popularity. Bars are the model's prediction before "
        "and after; a diamond is the prediction before plus the evaluator's gain.",
        [Panel("advice-songs", figures.before_and_after(rows))],
        {"before": REST, "after": ACCENT, "by the held-out evaluator": SECOND},
    )


def _changes(rows: list[dict]) -> Table:
    return Table(
        "song-changes",
        "The changes to these songs, the most useful first",
        ["song", "artists", "changes", "model", "held-out evaluator"],
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
        f"How often each feature is changed in {songs:,} songs. Point at a bar for the mean effect "
        "of a change, and how often it is an increase.",
        [Panel("advice-features", figures.features(rows, songs))],
    )
