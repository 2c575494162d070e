"""`python -m benchmarks signals`: what else might help, each idea with and without.

Measured on splits by song and by artist: an idea that only helps where an artist stands on both
sides has learned the artist. The ideas are SQL over the rows of a task; those that its model has by
now are measured by taking them away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
from rich.console import Console
from rich.progress import track
from sklearn.base import BaseEstimator

from benchmarks import BenchError
from hitparade.warehouse import feature_table, newest_settings, opened, vocabularies
from models_py import algorithms, metrics, training
from models_py.examples import Examples, examples
from models_py.tasks import TASKS, Task

ALGORITHM = "xgboost"
FOLDS = 5
SPLITS = ("song", "artist")
TITLE = {
    "title_length": "length(track_name)",
    "title_featuring": r"regexp_matches(lower(track_name), '\b(feat|ft|with)\b')",
}
EARLIER = (
    "over (partition by lead order by released_on "
    "range between unbounded preceding and interval 1 day preceding)"
)


@dataclass(frozen=True)
class Study:
    """The ideas for a task: `kept` are inputs of it, `tried` are expressions over its rows."""

    rows: str
    kept: tuple[str, ...]
    tried: Mapping[str, str]


STUDIES = {
    "popularity": Study(
        rows="features.int_tracks",
        kept=("genres", "explicit", "is_single", "key", "mode", "time_signature"),
        tried=TITLE
        | {
            "title_remix": "contains(lower(track_name), 'remix')",
            "title_live": r"regexp_matches(lower(track_name), '\blive\b')",
            "title_acoustic": "contains(lower(track_name), 'acoustic')",
            "title_remaster": "contains(lower(track_name), 'remaster')",
            "album_edition": (
                "regexp_matches(lower(album_name), 'deluxe|edition|remaster|soundtrack')"
            ),
            "album_collection": (
                "regexp_matches(lower(album_name), "
                r"'\b(hits|best of|greatest|collection|mix|songs|top)\b')"
            ),
            "number_of_artists": "len(string_split(artists, ';'))",
            "number_of_genres": "len(genres)",
            "tracks_of_the_artist_in_the_file": "count(*) over (partition by lead)",
        },
    ),
    "tier": Study(rows="features.int_tracks", kept=("genres", "explicit", "is_single"), tried={}),
    "log_streams_context": Study(
        rows="features.int_chart_songs",
        kept=("mode", "artist_count", "released_year", "released_month", "log_age_days"),
        tried=TITLE
        | {
            "released_on_a_friday": "dayofweek(released_on) = 5",
            "day_of_month": "released_day",
            "key": "position(key[1] in 'CDEFGAB') + contains(key, '#')::integer / 2",
            "songs_of_the_same_day": "count(*) over (partition by released_on)",
            "songs_of_the_artist_in_the_file": "count(*) over (partition by lead)",
            "earlier_songs_of_the_artist": f"count(*) {EARLIER}",
            "streams_of_earlier_songs_of_the_artist": f"avg(ln(1 + streams)) {EARLIER}",
        },
    ),
}


def run(database: Path, console: Console | None = None) -> list[dict]:
    """Measure every idea with XGBoost, its settings those of the newest version.

    Args:
        database: a finished warehouse.
        console: where to show progress; None to stay silent.

    Returns:
        One dict for each idea and split: the task's metric without and with it, the mean gain over
        FOLDS folds, its standard error, and whether it holds: a gain of more than two of them.

    Raises:
        WarehouseError: the database cannot be read.
        BenchError: a task has no model by XGBoost.
    """
    with opened(database) as connection:
        steps = [(TASKS[name], study, split) for name, study in STUDIES.items() for split in SPLITS]
        shown = track(steps, "Measuring", console=console) if console else steps
        return [row for step in shown for row in _measure(connection, *step)]


def _measure(
    connection: duckdb.DuckDBPyConnection, task: Task, study: Study, split: str
) -> list[dict]:
    rows, ideas, lead = _read(connection, task, study)
    if split == "artist":
        rows = replace(rows, fold=_folds(lead))
    estimator = algorithms.estimator(task.kind, ALGORITHM, _settings(connection, task))
    whole = _by_fold(task, estimator, rows)
    result = []
    for idea in study.kept:
        without = _by_fold(task, estimator, _without(rows, idea))
        result.append(_row(task, split, idea, True, whole, without))
    for idea, values in ideas.items():
        with_idea = _by_fold(task, estimator, _with(rows, idea, values))
        result.append(_row(task, split, idea, False, with_idea, whole))
    return result


def _read(
    connection: duckdb.DuckDBPyConnection, task: Task, study: Study
) -> tuple[Examples, dict, np.ndarray]:
    """The examples of a task, and in the same order each idea's values and the leading artist."""
    rows = examples(task, feature_table(connection, task), vocabularies(connection))
    chosen = "".join(f", cast({sql} as double) as {name}" for name, sql in study.tried.items())
    found = connection.sql(
        f"with led as (select *, lower(trim(regexp_extract(artists, '^[^;,]+'))) as lead "
        f"from {study.rows}), ideas as (select {task.key}, lead{chosen} from led) "
        f"select ideas.* from ideas semi join features.feat_{task.name} using ({task.key}) "
        f"order by {task.key}"
    ).to_arrow_table()
    values = {name: found[name].to_numpy() for name in study.tried}
    return rows, values, found["lead"].to_numpy(zero_copy_only=False)


def _settings(connection: duckdb.DuckDBPyConnection, task: Task) -> dict:
    found = newest_settings(connection).get(task.name, {})
    if ALGORITHM not in found:
        raise BenchError(f"task {task.name} has no model by {ALGORITHM}: run `hitparade build`")
    return found[ALGORITHM]


def _folds(groups: np.ndarray) -> np.ndarray:
    """A fold for each group of rows, drawn with a fixed seed."""
    names, place = np.unique(groups, return_inverse=True)
    return np.random.default_rng(0).integers(FOLDS, size=len(names))[place]


def _without(rows: Examples, idea: str) -> Examples:
    kept = np.array([group != idea for group in rows.groups])
    return replace(rows, features=rows.features[:, kept])


def _with(rows: Examples, idea: str, values: np.ndarray) -> Examples:
    return replace(rows, features=np.column_stack([rows.features, values]))


def _by_fold(task: Task, estimator: BaseEstimator, rows: Examples) -> np.ndarray:
    found = training.evaluate(task, estimator, rows).metrics
    return np.array([fold[task.metric] for fold in found.values()])


def _row(
    task: Task, split: str, idea: str, is_input: bool, with_idea: np.ndarray, without: np.ndarray
) -> dict:
    sign = 1 if metrics.METRICS[task.kind][task.metric].higher_is_better else -1
    gain = sign * (with_idea - without)
    error = metrics.gain_error(gain)
    return {
        "task": task.name,
        "idea": idea,
        "input": is_input,
        "split": split,
        "without": without.mean(),
        "with": with_idea.mean(),
        "gain": gain.mean(),
        "standard_error": error,
        "holds": bool(gain.mean() > 2 * error),
    }
