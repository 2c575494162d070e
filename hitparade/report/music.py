"""Sections about music: the Top 100, features and genres."""

import duckdb

from hitparade.report import music_figures as figures
from hitparade.report.parts import (
    Chart,
    Note,
    Panel,
    Section,
    Table,
    fetch,
    groups,
    identifier,
    number,
    percent,
    plain,
)
from hitparade.report.style import ACCENT, REST, SECOND

ENTITIES = {"tracks": "tracks", "songs": "chart_songs"}
BENCHMARKS = """
    select *, 2 / sqrt(nullif(top_100_rows, 0)) as noise
    from rpt_feature_benchmarks
    where entity = ?
    order by difference_in_sd desc nulls last, feature
"""
DISTRIBUTIONS = """
    select
        *,
        row_count / nullif(sum(row_count) over (partition by feature), 0) as share,
        top_100_rows / nullif(sum(top_100_rows) over (partition by feature), 0) as top_100_share
    from rpt_feature_distributions
    where entity = ?
    order by feature, bin
"""
CORRELATIONS = """
    select * from rpt_feature_correlations where entity = ? order by feature, other_feature
"""
GENRES = "select * from rpt_genre_profile order by mean_popularity desc, genre"
SHOWN = 12
MEASURES = {
    "mean_popularity": ("predicted_popularity", "Mean popularity"),
    "hit_share": ("predicted_hit_share", "Share of hits"),
}


def top_100(connection: duckdb.DuckDBPyConnection) -> Section:
    """The differences between the Top 100 and all rows, by feature."""
    blocks: list = []
    for entity, source in ENTITIES.items():
        rows = fetch(connection, BENCHMARKS, entity)
        compared = [row for row in rows if row["difference_in_sd"] is not None]
        if not compared:
            blocks.append(_too_few(entity) if rows else _nothing(entity, source))
            continue
        most = max(compared, key=lambda row: abs(row["difference_in_sd"]))
        blocks.append(
            Chart(
                f"{entity.capitalize()}: the Top 100 differ most in {plain(most['feature'])}, by "
                f"{number(most['difference_in_sd'], '+.2f')} standard deviations",
                f"Mean of the Top 100 minus the mean of all {max(r['all_rows'] for r in rows):,} "
                f"{entity}. A difference within the shaded band (2 standard errors of "
                f"{most['top_100_rows']} rows) may be chance.",
                [Panel(identifier("top-100", entity), figures.differences(compared))],
                {"higher in the Top 100": ACCENT, "lower": SECOND},
            )
        )
    return Section(
        "top-100",
        "Top 100",
        "The Top 100 against all",
        "The Top 100 are the tracks with the highest popularity, or the songs with the most "
        "streams.",
        blocks,
    )


def distributions(connection: duckdb.DuckDBPyConnection) -> Section:
    """The distribution of each feature, in a small panel."""
    blocks: list = []
    for entity, source in ENTITIES.items():
        rows = fetch(connection, DISTRIBUTIONS, entity)
        if not rows:
            blocks.append(_nothing(entity, source))
            continue
        found = groups(rows, "feature")
        blocks.append(
            Chart(
                f"{entity.capitalize()}: {len(found)} features, all against the Top 100",
                "Share of rows in each of 20 bins; the outermost bins also have the values beyond "
                "them. The Top 100 have 100 rows, so each row is 1%.",
                [
                    Panel(
                        identifier("distribution", entity, feature),
                        figures.distribution(bins),
                        plain(feature),
                    )
                    for (feature,), bins in found.items()
                ],
                {"all": REST, "Top 100": ACCENT},
                wide=True,
                small=True,
            )
        )
    return Section(
        "distributions",
        "Distributions",
        "How features are distributed",
        "If line and bars agree, the feature does not separate the Top 100 from the rest.",
        blocks,
    )


def correlations(connection: duckdb.DuckDBPyConnection) -> Section:
    """The correlations between features."""
    blocks: list = []
    for entity, source in ENTITIES.items():
        rows = fetch(connection, CORRELATIONS, entity)
        pairs = [row for row in rows if row["feature"] < row["other_feature"]]
        pairs = [row for row in pairs if row["correlation"] is not None]
        if not pairs:
            blocks.append(_too_few(entity) if rows else _nothing(entity, source))
            continue
        most = max(pairs, key=lambda row: abs(row["correlation"]))
        pair = " and ".join(plain(most[name]) for name in ("feature", "other_feature"))
        blocks.append(
            Chart(
                f"{entity.capitalize()}: {pair} correlate most ({most['correlation']:+.2f})",
                f"Pearson correlations over {max(row['row_count'] for row in pairs):,} {entity}. "
                "They measure linear relations only. The diagonal is 1 by definition and left "
                "blank. Point at a cell for numbers below 0.1.",
                [Panel(identifier("correlation", entity), figures.correlations(rows))],
                {"together": ACCENT, "opposite": SECOND},
            )
        )
    return Section(
        "correlations",
        "Correlations",
        "Which features are correlated",
        "Correlated features give a model the same information. Correlation is not causation.",
        blocks,
    )


def genres(connection: duckdb.DuckDBPyConnection) -> Section:
    """The highest and lowest genres, predictions against actual values, and a table of genres."""
    rows = fetch(connection, GENRES)
    blocks: list = [_nothing("genres", "tracks")]
    if rows:
        blocks = [_extremes(rows, name) for name in MEASURES]
        blocks += [_fit(rows, name) for name in MEASURES if _is_predicted(rows, name)]
        blocks += [
            Note(f"{title} has no predictions: there is no champion, or it has scored no track.")
            for name, (_, title) in MEASURES.items()
            if not _is_predicted(rows, name)
        ]
        blocks.append(_genre_table(rows))
    return Section(
        "genres",
        "Genres",
        "How genres compare",
        "A track of several genres counts in each. The champions' predictions include tracks that "
        "they were trained on, so the agreement looks better than it is.",
        blocks,
    )


def _extremes(rows: list[dict], measure: str) -> Chart:
    predicted, title = MEASURES[measure]
    ordered = sorted(rows, key=lambda row: (-(row[measure] or 0), row["genre"]))
    first, last = ordered[:SHOWN], ordered[SHOWN:][-SHOWN:]
    values = [row[name] or 0 for row in rows for name in (measure, predicted)]
    limit = 1.05 * max(values, default=1) or 1
    label = f"{title}: {ordered[0]['genre']} is highest, {ordered[-1]['genre']} lowest"
    panels = [("highest", first), ("lowest", last)]
    counts = [row["tracks"] for row in rows]
    return Chart(
        f"{label} of {len(rows)} genres" if len(rows) > 1 else f"{title} of {ordered[0]['genre']}",
        f"A genre has {min(counts):,} to {max(counts):,} tracks; neighbors may differ by chance.",
        [
            Panel(
                identifier("genres", measure, name),
                figures.genre_bars(found, measure, predicted, limit),
                f"{name} {len(found)}",
            )
            for name, found in panels
            if found
        ],
        {"actual": ACCENT} | ({"predicted": SECOND} if _is_predicted(rows, measure) else {}),
        wide=True,
    )


def _fit(rows: list[dict], measure: str) -> Chart:
    predicted, title = MEASURES[measure]
    return Chart(
        f"{title}: predicted against actual, one dot for each genre",
        "Means over a genre's tracks. On the dotted diagonal both agree. A flat cloud means that "
        "the champion does not know what makes genres differ.",
        [Panel(identifier("genre-fit", measure), figures.genre_fit(rows, measure, predicted))],
    )


def _is_predicted(rows: list[dict], measure: str) -> bool:
    return any(row[MEASURES[measure][0]] is not None for row in rows)


def _genre_table(rows: list[dict]) -> Table:
    shares = [name for name in rows[0] if name.endswith("_share")]
    columns = [name for name in rows[0] if name != "genre"]

    def text(name: str, value: float | None) -> str:
        if name in shares:
            return percent(value)
        if name in ("tracks", "mean_duration_ms"):
            return number(value, ",.0f")
        is_wide = name.endswith("popularity") or name in ("mean_tempo", "mean_loudness")
        return number(value, ".1f" if is_wide else ".3f")

    return Table(
        "genre-profile",
        f"All genres ({len(rows)}); a column's heading sorts by it",
        ["genre", *map(plain, columns)],
        [
            [
                (row["genre"], row["genre"]),
                *((row[name], text(name, row[name])) for name in columns),
            ]
            for row in rows
        ],
        tall=True,
    )


def _too_few(entity: str) -> Note:
    return Note(f"{entity.capitalize()}: too few rows to compare.")


def _nothing(entity: str, source: str) -> Note:
    return Note(f"No {entity}: the source {source} has no rows.")
