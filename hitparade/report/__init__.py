"""`hitparade report`: one HTML page on a finished warehouse that needs no network and no SQL."""

from pathlib import Path

import duckdb

from hitparade.report import models, music, page, playlists, songs, sources
from hitparade.warehouse import opened

MARTS = {
    "rpt_model_leaderboard",
    "rpt_feature_importance",
    "rpt_feature_benchmarks",
    "rpt_genre_profile",
    "rpt_feature_correlations",
    "rpt_feature_distributions",
    "rpt_calibration",
    "rpt_tier_confusion",
    "rpt_playlist_moods",
    "rpt_artist_frequency",
    "rpt_duration_outliers",
    "rpt_recommendation_quality",
    "fct_song_optimizations",
}
SECTIONS = (
    sources.read,
    models.leaderboard,
    models.importance,
    music.top_100,
    music.distributions,
    music.correlations,
    music.genres,
    playlists.moods_and_artists,
    playlists.recommendations,
    songs.advice,
    models.calibration,
    models.confusion,
)


class ReportError(Exception):
    """The report cannot be written; the message says why and what to do."""


def write(database: Path, output: Path) -> None:
    """Write the report on a warehouse; equal databases give equal bytes.

    Raises:
        ReportError: the warehouse lacks marts, or the output folder does not exist.
        WarehouseError: there is no finished warehouse of this version.
    """
    if not output.parent.is_dir():
        raise ReportError(f"{output.parent} is not a folder: name another one with --output")
    with opened(database) as connection:
        html = _html(database, connection)
    output.write_text(html, encoding="utf-8")


def _html(database: Path, connection: duckdb.DuckDBPyConnection) -> str:
    query = "select table_name from information_schema.tables where table_schema = 'main'"
    missing = MARTS - {name for (name,) in connection.execute(query).fetchall()}
    if missing:
        raise ReportError(f"{database} has no {', '.join(sorted(missing))}: run `dbt build`")
    return page.render([section(connection) for section in SECTIONS])
