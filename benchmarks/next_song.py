"""`python -m benchmarks next-song`: the quality of next-song models, and their speed in SQL.

The playlists are generated, so the best achievable score is known. By default the task is hard:
there are 20,000 tracks, and each is played 19 times on average. All models see the same playlists
and the same questions, see `models_py.next_song.protocol`.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import yaml
from rich.console import Console
from rich.status import Status

import udfs
from benchmarks import challenge
from benchmarks.warehouses import DATABASE, dbt
from hitparade import project
from hitparade.sample import write_sample
from hitparade.warehouse import opened
from models_py.bootstrap import Estimate
from models_py.export import session
from models_py.next_song import baselines, net, protocol, ranker, training
from models_py.next_song.beginnings import batches
from models_py.next_song.data import Catalog, Data, Playlists, read
from models_py.next_song.edges import NEIGHBORS, Edges, Neighbors
from models_py.next_song.evaluation import Outcome, Scores, evaluate, seeds
from models_py.next_song.export import no_options, to_onnx
from models_py.next_song.ranker import Ranker
from models_py.next_song.rules import LATEST_ARTIST, RULES, TableRule

FEATURES = ("feat_next_song", "feat_next_song_tracks", "feat_next_song_edges")
MAKE_FEATURES = (
    *("build", "--exclude-resource-type", "test", "--select", "+stg_raw__ceilings"),
    *(f"+{name}" for name in FEATURES),
)
ADVICE = "give other --tracks and --playlists, or check that `hitparade build` works"
# The share of the tracks that are left out of the second training.
COLD = 0.02
# Timing: the sizes of the catalogs, the number of playlists in the query, and their length.
SIZES, ROWS, LENGTH = (20_000, 100_000), 1_000, 60
# Timing: tracks of an album and of an artist, and number of audio features.
ALBUM, ARTIST, SOUND = 10, 40, 9
SERVED = "select len(onnx_next_songs(?, track_uris, [], 10)) from playlists"


def run(tracks: int, playlists: int, console: Console | None = None) -> dict[str, list[dict]]:
    """Write a sample, build its features in a temporary folder, train and measure the models.

    Args:
        tracks: different tracks in the playlists.
        playlists: number of playlists.
        console: shows the progress; None shows nothing.

    Returns:
        `models`: the metrics of each model, the standard error of its hit rate, and `of_best`, its
        hit rate divided by the best achievable one.
        `gains`: the hybrid's metric divided by that of the best baseline, with 95 % intervals by
        paired bootstrap over playlists; once for the hit rate, once with only the title known.
        `seeds`: hybrid and popularity with 0 to 100 known tracks.
        `cold`: questions whose answer is in no playlist of a second training.
        `speed`: CPU milliseconds per playlist.

    Raises:
        ValueError: a size that the sample cannot have.
        BenchError: dbt failed.
    """
    say = console or Console(quiet=True)
    with TemporaryDirectory(prefix="hitparade_bench_") as name, say.status("") as status:
        folder = Path(name)
        _build_generated(folder, tracks, playlists, status)
        data, best_hit_rate = _read(folder / DATABASE)
        status.update("training and measuring every model")
        models, gains, hybrid = _quality(data, best_hit_rate)
        status.update("measuring with few and with many known tracks")
        seeded, title = _seeds(data, hybrid)
        status.update("training without some tracks")
        cold = _cold(data)
        status.update("timing")
        speed = [row for size in SIZES for row in _speed(size)]
    return {
        "models": models,
        "gains": [*gains, title],
        "seeds": seeded,
        "cold": cold,
        "speed": speed,
    }


def run_challenge(
    tracks: int, playlists: int, raw: Path | None, console: Console | None = None
) -> list[dict]:
    """Measure models by the protocol of the RecSys Challenge 2018, see `benchmarks.challenge`.

    Args:
        tracks: different tracks in generated playlists.
        playlists: number of generated playlists.
        raw: a folder with slices to use in the place of generated playlists.
        console: shows the progress; None shows nothing.

    Returns:
        The metrics of each model in each category, and the means of the categories.

    Raises:
        ValueError: a size that the sample cannot have.
        BenchError: dbt failed.
        TrainingError: the folder has too few playlists.
    """
    say = console or Console(quiet=True)
    with TemporaryDirectory(prefix="hitparade_bench_") as name, say.status("") as status:
        folder = Path(name)
        if raw:
            (folder / "raw").symlink_to(raw.resolve(), target_is_directory=True)
            status.update("building the features")
            dbt(folder, MAKE_FEATURES, ADVICE)
        else:
            _build_generated(folder, tracks, playlists, status)
        data = read(*tables(folder / DATABASE))
        status.update("training and measuring")
        models = {"popularity": baselines.by_popularity(data.known, len(data.catalog))}
        settings = {"hybrid": hyperparameters()}
        for model in ("item_knn", LATEST_ARTIST, "hybrid"):
            models[model] = training.build(data, model, settings.get(model, {}))[0].scores
        return challenge.run(data, models, net.Settings(**settings["hybrid"]["net"]).length)


def _build_generated(folder: Path, tracks: int, playlists: int, status: Status) -> None:
    status.update(f"writing {playlists:,} playlists of {tracks:,} tracks")
    # 40 % of the playlist tracks come from the tracks file, which has a row for each genre of a
    # track. As many rows are enough.
    write_sample(
        folder / "sample",
        tracks=tracks,
        playlists=playlists,
        playlist_tracks=tracks,
        only={"tracks", "playlists"},
    )
    status.update("building the features")
    dbt(folder, MAKE_FEATURES, ADVICE)


def _read(database: Path) -> tuple[Data, float]:
    """Return the features, and the best achievable hit rate."""
    with opened(database) as connection:
        query = "select ceiling from staging.stg_raw__ceilings where metric = 'hit_rate_10'"
        ((best_hit_rate,),) = connection.execute(query).fetchall()
    return read(*tables(database)), best_hit_rate


def tables(database: Path) -> list[pa.Table]:
    """Return the feature tables of next songs, see `models_py.next_song.data.read`."""
    with opened(database) as connection:
        return [
            connection.sql(f"from features.{name} order by all").to_arrow_table()
            for name in FEATURES
        ]


def hyperparameters() -> dict:
    """Return the hyperparameters of the hybrid in the project."""
    text = (project.root() / "tasks" / "next_song.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["algorithms"]["hybrid"]


def _quality(data: Data, best_hit_rate: float) -> tuple[list[dict], list[dict], Ranker]:
    asked, tracks = data.questions, len(data.catalog)
    hybrid, length = training.build(data, "hybrid", hyperparameters())
    assert isinstance(hybrid, Ranker)
    models: dict[str, Scores] = {
        "popularity": baselines.by_popularity(data.known, tracks),
        "vs_knn": baselines.by_sessions(data.known, tracks),
    }
    for name in RULES:
        models[name] = training.build(data, name, {})[0].scores
    models |= {"sequence net alone": lambda known: hybrid.by_net(known)[:, :-1]}
    models |= {"hybrid": hybrid.scores}
    found = {
        name: evaluate(scores, data.held_out, asked, length, tracks)
        for name, scores in models.items()
    }
    rows = [
        {"model": name}
        | outcome.means()
        | {
            "hit_rate_10_error": outcome.error("hit_rate_10"),
            "of_best": outcome.means()["hit_rate_10"] / best_hit_rate,
            "questions": len(asked),
        }
        for name, outcome in found.items()
    ]
    own = found.pop("hybrid")
    del found["sequence net alone"]
    best = max(found, key=lambda name: found[name].means()["hit_rate_10"])
    return rows, [_gain("hybrid", own, best, found[best], "hit_rate_10")], hybrid


def _gain(name: str, own: Outcome, beside_name: str, beside: Outcome, metric: str) -> dict:
    """Return the ratio of a metric of two models on the same questions."""
    mine, other = (Estimate.mean(part.values[metric], part.owners) for part in (own, beside))
    ratio = mine.over(other)
    low, high = ratio.interval()
    return {
        "model": name,
        "beside": beside_name,
        "metric": metric,
        "times": ratio.value,
        "low": low,
        "high": high,
    }


def _seeds(data: Data, hybrid: Ranker) -> tuple[list[dict], dict]:
    """Measure hybrid and popularity by number of known tracks; also the gain with only a title."""
    tracks, length = len(data.catalog), hybrid.attention.length
    models = {
        "hybrid": hybrid.scores,
        "popularity": baselines.by_popularity(data.known, tracks),
    }
    rows, found = [], {}
    for known in protocol.SEEDS:
        asked = seeds(data.held_out, known, 2_000)
        for name, scores in models.items():
            outcome = evaluate(scores, data.held_out, asked, length, tracks)
            found[known, name] = outcome
            means = {metric: outcome.means()[metric] for metric in protocol.LIST_METRICS}
            rows.append({"tracks_known": known, "model": name, "playlists": len(asked)} | means)
    title = _gain(
        "hybrid, title only", found[0, "hybrid"], "popularity", found[0, "popularity"], "list_ndcg"
    )
    return rows, title


def _cold(data: Data) -> list[dict]:
    """Train without some tracks; measure questions whose answers are these, among all tracks."""
    tracks = len(data.catalog)
    is_cold = np.random.default_rng(0).random(tracks) < COLD
    warm = [played[~is_cold[played]] for played in data.known.tracks]
    kept = np.flatnonzero([len(played) > 0 for played in warm])
    known = Playlists(warm, data.known.titles).of(kept)
    without = replace(
        data,
        known=known,
        is_for_ranking=data.is_for_ranking[kept],
        edges=_without(data.edges, is_cold),
        fit_edges=_without(data.fit_edges, is_cold),
    )
    asked = [
        (place, cut)
        for place, cut in _every(data.held_out)
        if is_cold[data.held_out.tracks[place][cut]]
    ][: protocol.MOST]
    hybrid, length = training.build(without, "hybrid", hyperparameters())
    models: dict[str, Scores] = {"popularity": baselines.by_popularity(known, tracks)}
    models |= {name: training.build(without, name, {})[0].scores for name in RULES}
    models |= {"hybrid": hybrid.scores}
    rows = []
    for name, scores in models.items():
        outcome = evaluate(scores, data.held_out, asked, length, tracks)
        # A reciprocal rank of at least 1/20 means: among the first 20.
        rate = float((outcome.values["mrr"] >= 1 / 20).mean())
        rows.append({"model": name, "hit_rate_20": rate, "questions": len(asked)})
    return rows


def _every(playlists: Playlists) -> Iterator[tuple[int, int]]:
    for place, tracks in enumerate(playlists.tracks):
        for cut in range(protocol.SHORTEST, len(tracks)):
            if tracks[cut] not in tracks[:cut]:
                yield place, cut


def _without(edges: Edges, is_cold: np.ndarray) -> Edges:
    kept = ~(is_cold[edges.track] | is_cold[edges.neighbor])
    return Edges(
        *(part[kept] for part in (edges.track, edges.neighbor, edges.weights, edges.strength))
    )


def _speed(tracks: int) -> list[dict]:
    """Measure CPU milliseconds per playlist, with random weights: they do not change the speed."""
    rng = np.random.default_rng(0)
    uris = [f"spotify:track:{track:022}" for track in range(tracks)]
    catalog = Catalog(
        uris,
        np.arange(tracks) // ARTIST,
        np.arange(tracks) // ALBUM,
        np.arange(tracks),
        rng.normal(size=(tracks, SOUND)).astype(np.float32),
        np.ones(tracks, dtype=bool),
        [f"word{word}" for word in range(1_000)],
    )
    length = rng.integers(1, 100, tracks)
    neighbors = Neighbors(
        rng.integers(0, tracks, (tracks + 1, NEIGHBORS)).astype(np.int32),
        rng.random((tracks + 1, NEIGHBORS, 3)).astype(np.float32),
    )
    settings = net.Settings(**hyperparameters()["net"])
    hybrid = Ranker(net.SequenceNet(catalog, settings), neighbors, length, ranker.Settings()).eval()
    rule = TableRule(Neighbors(neighbors.tracks, neighbors.weights[..., :1]), length, last=1)
    playlists = [rng.choice(tracks, LENGTH, replace=False) for _ in range(ROWS)]
    rows = []
    for name, model, size in (("hybrid", hybrid, settings.length), ("markov", rule, 1)):
        content = to_onnx(model, catalog, size)
        raw_seconds = _raw_seconds(content, catalog, playlists)
        sql_seconds = _sql_seconds(content, uris, playlists)
        rows.append(
            {
                "model": name,
                "tracks": tracks,
                "graph_mb": len(content) / 1e6,
                "sql_ms": sql_seconds / ROWS * 1e3,
                "onnxruntime_ms": raw_seconds / ROWS * 1e3,
                "times": sql_seconds / raw_seconds,
            }
        )
    return rows


def _raw_seconds(content: bytes, catalog: Catalog, playlists: list[np.ndarray]) -> float:
    """Return the CPU seconds of the graph alone in onnxruntime."""
    graph, uris = session(content), np.array(catalog.uris, dtype=object)
    nothing = np.full((len(playlists), 5), len(catalog.words))
    questions = [(place, LENGTH) for place in range(len(playlists))]
    feeds = []
    for known, rows in batches(Playlists(playlists, nothing), questions, LENGTH, len(catalog)):
        empty = np.full((len(rows), 5), "", dtype=object)
        feeds.append(
            {"track_uris": uris[known.barred.numpy()], "title_words": empty, "asked": empty[:, :1]}
            | no_options(len(rows))
        )

    def score() -> None:
        for feed in feeds:
            graph.run(["track_uri", "score"], feed)

    return _cpu_seconds(score)


def _sql_seconds(content: bytes, uris: list[str], playlists: list[np.ndarray]) -> float:
    """Return the CPU seconds of a query over a table of playlists, on one thread."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("create schema ml")
        connection.execute("create table ml.bytes (model_id varchar, onnx blob, sha256 varchar)")
        model_id = hashlib.sha256(content).hexdigest()
        connection.execute("insert into ml.bytes values (?, ?, ?)", [model_id, content, model_id])
        connection.execute("create view ml.model_artifacts as select * from ml.bytes")
        connection.execute("create table playlists (track_uris varchar[])")
        connection.executemany(
            "insert into playlists values (?)", [[[uris[t] for t in found]] for found in playlists]
        )
        udfs.register(connection)
        return _cpu_seconds(lambda: connection.execute(SERVED, [model_id]).fetchall())


def _cpu_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the smallest CPU seconds of several rounds, after a warm-up."""
    work()
    found = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)
