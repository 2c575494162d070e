"""`python -m benchmarks signals`: which inputs help, each measured with and without it.

The splits are by song and by artist. An input that helps only if songs of the same artist are in
training and test just identifies the artist. New inputs are SQL expressions over the rows of a task
and are added; inputs that the task already has are removed.
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
    """The inputs to measure for a task.

    Attributes:
        rows: table of the expressions in `tried`.
        kept: inputs that the task already has.
        tried: SQL expressions of possible inputs, by name.
    """

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
    """Measure every input with XGBoost and the settings of its newest version.

    Args:
        database: a finished warehouse.
        console: shows the progress; None shows nothing.

    Returns:
        A dict for each input and split: the task's metric without and with it, the mean gain over
        FOLDS folds, its standard error, and `holds`, whether the gain exceeds two of them.

    Raises:
        WarehouseError: the database cannot be read.
        BenchError: a task has no XGBoost model.
    """
    with opened(database) as connection:
        steps = [(TASKS[name], study, split) for name, study in STUDIES.items() for split in SPLITS]
        shown = track(steps, "Measuring", console=console) if console else steps
        return [row for step in shown for row in _measure(connection, *step)]


def _measure(
    connection: duckdb.DuckDBPyConnection, task: Task, study: Study, split: str
) -> list[dict]:
    rows, new_inputs, lead = _read(connection, task, study)
    if split == "artist":
        rows = replace(rows, fold=_folds(lead))
    estimator = algorithms.estimator(task.kind, ALGORITHM, _settings(connection, task))
    whole = _by_fold(task, estimator, rows)
    result = []
    for name in study.kept:
        without = _by_fold(task, estimator, _without(rows, name))
        result.append(_row(task, split, name, True, whole, without))
    for name, values in new_inputs.items():
        with_input = _by_fold(task, estimator, _with(rows, name, values))
        result.append(_row(task, split, name, False, with_input, whole))
    return result


def _read(
    connection: duckdb.DuckDBPyConnection, task: Task, study: Study
) -> tuple[Examples, dict, np.ndarray]:
    """Return the examples of a task, the values of each new input, and the first artists."""
    rows = examples(task, feature_table(connection, task), vocabularies(connection))
    chosen = "".join(f", cast({sql} as double) as {name}" for name, sql in study.tried.items())
    found = connection.sql(
        f"with led as (select *, lower(trim(regexp_extract(artists, '^[^;,]+'))) as lead "
        f"from {study.rows}), inputs as (select {task.key}, lead{chosen} from led) "
        f"select inputs.* from inputs semi join features.feat_{task.name} using ({task.key}) "
        f"order by {task.key}"
    ).to_arrow_table()
    values = {name: found[name].to_numpy() for name in study.tried}
    return rows, values, found["lead"].to_numpy(zero_copy_only=False)


def _settings(connection: duckdb.DuckDBPyConnection, task: Task) -> dict:
    found = newest_settings(connection).get(task.name, {})
    if ALGORITHM not in found:
        raise BenchError(f"task {task.name} has no {ALGORITHM} model: run `hitparade build`")
    return found[ALGORITHM]


def _folds(groups: np.ndarray) -> np.ndarray:
    """Return the fold of each row, one for each group, drawn with a fixed seed."""
    names, indices = np.unique(groups, return_inverse=True)
    return np.random.default_rng(0).integers(FOLDS, size=len(names))[indices]


def _without(rows: Examples, name: str) -> Examples:
    kept = np.array([group != name for group in rows.groups])
    return replace(rows, features=rows.features[:, kept])


def _with(rows: Examples, name: str, values: np.ndarray) -> Examples:
    return replace(rows, features=np.column_stack([rows.features, values]))


def _by_fold(task: Task, estimator: BaseEstimator, rows: Examples) -> np.ndarray:
    found = training.evaluate(task, estimator, rows).metrics
    return np.array([fold[task.metric] for fold in found.values()])


def _row(
    task: Task, split: str, name: str, is_in_task: bool, with_input: np.ndarray, without: np.ndarray
) -> dict:
    sign = 1 if metrics.METRICS[task.kind][task.metric].higher_is_better else -1
    gain = sign * (with_input - without)
    error = metrics.gain_error(gain)
    return {
        "task": task.name,
        "input": name,
        "is_in_task": is_in_task,
        "split": split,
        "without": without.mean(),
        "with": with_input.mean(),
        "gain": gain.mean(),
        "standard_error": error,
        "holds": bool(gain.mean() > 2 * error),
    }
