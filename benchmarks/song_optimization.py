"""`python -m benchmarks song-optimization`: predicted gains of optimizers, checked independently.

All contenders are measured on the songs of the test part: neither the student nor the held-out
evaluator was trained on their artists. Each feature may change by a quarter of its range.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from numpy.typing import NDArray
from rich.console import Console
from sklearn.base import BaseEstimator

import udfs
from benchmarks import BenchError
from hitparade.warehouse import newest_settings, opened, vocabularies
from models_py import export
from models_py.bootstrap import Estimate
from models_py.examples import TrainingError
from models_py.song_optimization import graph, search, training
from models_py.song_optimization.data import Data, Songs, read
from models_py.song_optimization.protocol import BOUNDS, MOST, STUDENT, TASK, TEST
from models_py.song_optimization.student import Student
from models_py.song_optimization.training import Models

ALL = len(BOUNDS)
# Simpler students than the served one, to measure what each of its parts contributes.
STUDENTS = {
    "net of labels": {"members": 1, "copies": 0, "label_weight": 1},
    "net of labels and teacher": {"members": 1, "copies": 0},
    "net of changed songs too": {"members": 1},
}
GRAPH = "three such nets, as served"
CHANCE = f"random search, {search.EVALUATIONS}"
COORDINATE = f"coordinate search, {search.VALUES * ALL}"
# The searches that the graph is compared with, and how many features may change.
BESIDE = ((CHANCE, ALL), (CHANCE, MOST), (COORDINATE, ALL))
ROWS = 20_000
CALLS = ("optimize_song(t)", f"optimize_song(t, max_features := {ALL})")


@dataclass(frozen=True)
class Contender:
    """A method of optimizing songs, and its results.

    Attributes:
        method: its name.
        features: how many features may change.
        maximized: the model whose prediction it maximizes.
        songs: the optimized songs, shape (n, k).
    """

    method: str
    features: int
    maximized: BaseEstimator
    songs: NDArray


def run(database: Path, console: Console | None = None) -> dict[str, list[dict]]:
    """Train teacher, students and held-out evaluator on a warehouse; run and measure contenders.

    Args:
        database: a finished warehouse.
        console: shows the progress; None shows nothing.

    Returns:
        `contenders`: for each the mean gains in points that the maximized model (`claimed`), the
        teacher and the held-out evaluator (`judged`) predict; `share`, judged / claimed; and
        `confirmed`, the share of songs with a judged gain. Intervals are 95 %, by bootstrap over
        artists.
        `beside`: the judged gain of the served optimizer divided by that of the searches.
        `speed`: the time to load the graph and to optimize songs in SQL.

    Raises:
        WarehouseError: there is no finished warehouse, or another program has it open.
        BenchError: there are too few songs, or no models.
    """
    say = console or Console(quiet=True)
    with opened(database) as connection, say.status("") as status:
        status.update("training teacher, student and held-out evaluator")
        data, settings = _read(connection), newest_settings(connection).get(TASK)
        if settings is None:
            raise BenchError(f"task {TASK} has no models: see the warnings of the last build")
        models = training.fit(data, settings)
        songs = data.parts[TEST].first(training.MEASURED_SONGS)
        found = {}
        for contender in _contenders(data, models, settings, songs.features):
            status.update(f"{contender.method}, {contender.features} features")
            found[contender.method, contender.features] = _gains(contender, models, songs)
        status.update("timing")
        speed = [_loading(_graph(data, models.student)), *_speed(connection)]
    rows = [
        {"contender": method, "features": features} | _row(gains)
        for (method, features), gains in found.items()
    ]
    beside = [_beside(found, *other) for other in BESIDE]
    return {"contenders": rows, "beside": beside, "speed": speed}


def _read(connection: duckdb.DuckDBPyConnection) -> Data:
    table = connection.sql("from features.feat_song_optimization").to_arrow_table()
    try:
        return read(table, vocabularies(connection)["genres"])
    except TrainingError as error:
        raise BenchError(str(error)) from error


def _graph(data: Data, student: Student) -> bytes:
    free = data.parts[STUDENT].features[:, :ALL]
    return graph.to_onnx(student, free.std(axis=0), free[: training.REFERENCE_SONGS])


def _contenders(data: Data, models: Models, settings: dict, songs: NDArray) -> Iterator[Contender]:
    def by_gradient(method: str, student: Student, features: int) -> Contender:
        answer = training.optimize(_graph(data, student), songs, features)
        return Contender(method, features, student, training.changed(songs, answer))

    own = data.parts[STUDENT]
    for method, params in STUDENTS.items():
        student = Student(**settings["student"] | params)
        student.fit(own.features, own.popularity, models.teacher, [*BOUNDS.values()])
        yield by_gradient(method, student, ALL)
    for features in (ALL, MOST, 1):
        yield by_gradient(GRAPH, models.student, features)
    for features in (ALL, MOST):
        drawn = search.by_chance(models.student.predict, songs, features)
        yield Contender(CHANCE, features, models.student, drawn)
    searched = search.by_coordinate(models.teacher.predict, songs)
    yield Contender(COORDINATE, ALL, models.teacher, searched)


def _gains(contender: Contender, models: Models, songs: Songs) -> dict[str, Estimate]:
    """Return the gains that each model predicts, their ratio, and the share of confirmed songs."""
    asked = {"claimed": contender.maximized, "teacher": models.teacher, "judged": models.judge}
    gains = {
        name: model.predict(contender.songs) - model.predict(songs.features)
        for name, model in asked.items()
    }
    found = {name: Estimate.mean(values, songs.artists) for name, values in gains.items()}
    return found | {
        "share": found["judged"].share_of(found["claimed"]),
        "confirmed": Estimate.mean(gains["judged"] > 0, songs.artists),
    }


def _row(gains: dict[str, Estimate]) -> dict[str, float]:
    row = {}
    for name, estimate in gains.items():
        row[name] = estimate.value
        if name in ("judged", "share"):
            row[f"{name}_low"], row[f"{name}_high"] = estimate.interval()
    return row


def _beside(found: dict, method: str, features: int) -> dict:
    own, other = (found[name, features]["judged"] for name in (GRAPH, method))
    ratio = own.over(other)
    low, high = ratio.interval()
    return {
        "beside": method,
        "features": features,
        "times": ratio.value,
        "low": low,
        "high": high,
    }


def _loading(content: bytes) -> dict:
    """Measure the time to load a graph."""
    started = time.perf_counter()
    export.session(content)
    return {
        "what": f"loading the graph, {len(content) / 1e3:.0f} KB",
        "milliseconds": (time.perf_counter() - started) * 1e3,
        "songs_per_second": None,
    }


def _speed(connection: duckdb.DuckDBPyConnection) -> list[dict]:
    """Measure the songs that SQL optimizes per CPU second, on one thread; [] without a champion."""
    query = "select count(*) from ml.champions where task = ?"
    if connection.execute(query, [TASK]).fetchall() == [(0,)]:
        return []
    udfs.register(connection)
    connection.execute("set threads = 1")
    connection.execute(
        "create or replace temp table optimized_songs as select t.* from dim_tracks as t, range(?) "
        "where not is_excluded limit ?",
        [ROWS, ROWS],
    )
    rows = []
    for call in CALLS:
        query = f"select count({call}) from optimized_songs as t"
        connection.execute(f"select {call} from optimized_songs as t limit 1").fetchall()
        started = time.process_time()
        ((count,),) = connection.execute(query).fetchall()
        seconds = time.process_time() - started
        rows.append(
            {
                "what": f"{call}, one song",
                "milliseconds": seconds / count * 1e3,
                "songs_per_second": count / seconds,
            }
        )
    return rows
