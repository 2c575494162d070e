"""Training of next_song: each candidate is measured on held-out playlists and exported."""

import logging
import time
from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from models_py.examples import SettingsError
from models_py.export import session
from models_py.next_song import baselines, fitting, net, protocol, ranker
from models_py.next_song.beginnings import batches
from models_py.next_song.data import Data, Playlists, plays
from models_py.next_song.edges import Edges, Neighbors, strongest
from models_py.next_song.evaluation import Outcome, Scores, evaluate
from models_py.next_song.export import OUTPUTS, check_parity, check_size, no_options, to_onnx
from models_py.next_song.protocol import TASK
from models_py.next_song.ranker import Ranker
from models_py.next_song.rules import RULES, Rule, rule
from models_py.torch_lock import torch_lock
from models_py.training import Candidate, Score

METRIC = "ndcg_10"
LOWER_IS_BETTER = {"clicks"}
ALGORITHMS = (*RULES, "hybrid")
# The hyperparameters of the hybrid's parts.
PARTS: dict[str, type[net.Settings | ranker.Settings]] = {
    "net": net.Settings,
    "ranking": ranker.Settings,
}
log = logging.getLogger("models_py.next_song")


def outputs(algorithm: str) -> list[str]:
    """Return the outputs of an algorithm's graph: only the hybrid has track vectors."""
    return ["track_uri", *(OUTPUTS[1:] if algorithm == "hybrid" else OUTPUTS[1:-1])]


def train(data: Data, config: Mapping[str, Mapping]) -> list[Candidate]:
    """Train the algorithms of `config`, each with its hyperparameters.

    Args:
        data: the feature tables.
        config: hyperparameters by algorithm.

    Raises:
        TrainingError: an algorithm or a hyperparameter is unknown, a graph would be too large, or
            the ranking has no question to learn from.
        models_py.export.ExportError: a graph differs from its model.
    """
    check(config)
    if "hybrid" in config:
        check_size(data.catalog, net.Settings(**config["hybrid"].get("net", {})).size)
    popularity = baselines.by_popularity(data.known, len(data.catalog))
    baseline = _evaluate(data, popularity, net.Settings.length)
    return [_candidate(data, name, config[name], baseline) for name in config]


def _evaluate(data: Data, scores: Scores, length: int) -> Outcome:
    return evaluate(scores, data.held_out, data.questions, length, len(data.catalog))


def check(config: Mapping[str, Mapping]) -> None:
    """Check that the algorithms and hyperparameters are known.

    Raises:
        SettingsError: one is not.
    """
    for name, params in config.items():
        if name not in ALGORITHMS:
            raise SettingsError(
                f"task {TASK} has no algorithm {name}: use one of {', '.join(ALGORITHMS)}"
            )
        known = PARTS if name == "hybrid" else {}
        for part, values in params.items():
            names = [field.name for field in fields(known[part])] if part in known else []
            if part not in known or set(values) - set(names):
                raise SettingsError(
                    f"task {TASK}: {name} has no hyperparameter {part} {values}: it has "
                    + (", ".join(names) or ", ".join(known) or "none")
                )


def _candidate(data: Data, algorithm: str, params: Mapping, baseline: Outcome) -> Candidate:
    with torch_lock:
        started = time.perf_counter()
        model, length = build(data, algorithm, params)
        seconds = time.perf_counter() - started
        content = to_onnx(model, data.catalog, length)
    outcome = _evaluate(data, model.scores, length)
    # The first questions, and one with only the title known.
    tried = [(0, 0), *data.questions[:63]]
    first, _ = next(batches(data.held_out, tried, length, len(data.catalog)))
    candidate = Candidate(
        algorithm=algorithm,
        onnx=content,
        parity=check_parity(content, model, data.catalog, first),
        scores=_scores(outcome, baseline),
        importance={},
        calibration=[],
        confusion=[],
        train_rows=len(data.known),
        holdout_rows=len(data.held_out),
        train_seconds=seconds,
    )
    log.info(
        "%s, %s: %s %.4f, baseline %.4f (%.1f s)",
        TASK,
        algorithm,
        METRIC,
        outcome.means()[METRIC],
        baseline.means()[METRIC],
        time.perf_counter() - started,
    )
    return candidate


def build(data: Data, algorithm: str, params: Mapping) -> tuple[Ranker | Rule, int]:
    """Return a trained model, and how many of the last tracks it sees."""
    if algorithm in RULES:
        model = rule(algorithm, data)
        return model, model.last
    settings = net.Settings(**params.get("net", {}))
    return _hybrid(data, settings, ranker.Settings(**params.get("ranking", {}))), settings.length


def _hybrid(data: Data, settings: net.Settings, ranking: ranker.Settings) -> Ranker:
    """Train net and ranking on different playlists, then refresh the edges with all of them."""
    fit = data.known.of(np.flatnonzero(~data.is_for_ranking))
    held = data.known.of(np.flatnonzero(data.is_for_ranking))
    sequence_net = net.train(data.catalog, fit, settings)
    tracks = len(data.catalog)
    neighbors, played = _neighbors(data.fit_edges, tracks), plays(fit, tracks)
    model = Ranker(sequence_net, neighbors, played, ranking)
    is_new = np.random.default_rng(ranking.random_state).random(tracks) < ranking.new_tracks
    other = Ranker(
        net.without(sequence_net, is_new),
        neighbors.without(is_new),
        np.where(is_new, 0, played),
        ranking,
    )
    fitting.fit(model, other, held, _every_question(held, ranking))
    model.refresh(_neighbors(data.edges, tracks), plays(data.known, tracks))
    return model.eval()


def _neighbors(edges: Edges, tracks: int) -> Neighbors:
    return strongest(edges, tracks, edges.strength, edges.weights)


def _every_question(playlists: Playlists, ranking: ranker.Settings) -> list[tuple[int, int]]:
    """Return questions for each number of known tracks from 0, in random order."""
    found = [
        (place, cut)
        for place, tracks in enumerate(playlists.tracks)
        for cut in range(len(tracks))
        if tracks[cut] not in tracks[:cut]
    ]
    order = np.random.default_rng(ranking.random_state).permutation(len(found))
    return [found[place] for place in order[: ranking.questions]]


def _scores(outcome: Outcome, baseline: Outcome) -> list[Score]:
    """Return each metric and the baseline's; `sd` and `gain_sd` are bootstrap standard errors."""
    mine, other = outcome.means(), baseline.means()
    return [
        Score(
            metric=name,
            higher_is_better=name not in LOWER_IS_BETTER,
            holdout=mine[name],
            mean=mine[name],
            sd=outcome.error(name),
            baseline_holdout=other[name],
            baseline_mean=other[name],
            gain_sd=outcome.error(name, baseline),
            held_out_groups=len(np.unique(outcome.owners)),
        )
        for name in outcome.values
    ]


def rescore(content: bytes, data: Data) -> float:
    """Return METRIC of a serialized graph on the held-out playlists.

    Graphs that were trained before there were options lack their inputs.
    """
    uris = np.array([*data.catalog.uris, ""], dtype=object)
    words = np.array([*data.catalog.words, ""], dtype=object)
    graph = session(content)
    inputs = {one.name for one in graph.get_inputs()}
    found = []
    length, tracks = net.Settings.length, len(data.catalog)
    for known, part in batches(data.held_out, data.questions, length, tracks):
        feeds = no_options(len(part)) | {
            "track_uris": uris[known.barred.numpy()],
            "title_words": words[known.titles.numpy()],
            "asked": np.full((len(part), 1), "", dtype=object),
        }
        offered, scores = graph.run(["track_uri", "score"], {name: feeds[name] for name in inputs})
        right = uris[[data.held_out.tracks[place][cut] for place, cut in part]]
        is_right = offered == right[:, None]
        own = np.where(is_right, scores, -np.inf).max(axis=1, keepdims=True)
        above, equal = (scores > own).sum(axis=1), (scores == own).sum(axis=1)
        rank = np.where(is_right.any(axis=1), above + (equal + 1) / 2, np.inf)
        found.append(protocol.ndcg(rank))
    return float(np.concatenate(found).mean())
