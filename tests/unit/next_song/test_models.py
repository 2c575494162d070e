"""Next-song models: what they learn, and their exported graphs."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from torch.nn import functional

from models_py.examples import TrainingError
from models_py.export import ExportError
from models_py.next_song import export, net, training
from models_py.next_song.baselines import by_popularity
from models_py.next_song.beginnings import batches
from models_py.next_song.data import Catalog, Playlists, read
from models_py.next_song.edges import NEIGHBORS, Neighbors, half
from models_py.next_song.evaluation import evaluate
from models_py.next_song.protocol import questions
from models_py.next_song.ranker import LARGEST_K, Ranker, Settings
from tests.unit.next_song.conftest import uri
from udfs.errors import ModelError
from udfs.runtime import songs
from udfs.runtime.sessions import Model

TRACKS = 40
SMALL = {
    "net": {"size": 16, "heads": 2, "length": 8, "epochs": 10, "negatives": 64},
    "ranking": {"by_net": 12, "by_edges": 12, "by_artist": 12, "epochs": 6},
}


@pytest.fixture(scope="module")
def model(data):
    found, _ = training.build(data, "hybrid", SMALL)
    return found


@pytest.fixture(scope="module")
def graph(model, data) -> bytes:
    return export.to_onnx(model, data.catalog, 8)


def run(graph: bytes, tracks: list[list[str]], title=(), asked: str = "", outputs=None, **options):
    width = max(1, *(len(found) for found in tracks))
    feeds = export.no_options(len(tracks)) | {
        "track_uris": np.array([found + [""] * (width - len(found)) for found in tracks], object),
        "title_words": np.array([[*title, *[""] * (5 - len(title))]] * len(tracks), object),
        "asked": np.array([[asked]] * len(tracks), object),
    }
    for name, uris in options.items():
        feeds[name] = np.array([uris or [""]] * len(tracks), object)
    if "among" in options:
        feeds["is_limited"] = np.ones((len(tracks), 1), dtype=np.int64)
    return export.session(graph).run(outputs or ["track_uri", "score"], feeds)


def test_the_hybrid_beats_popularity_and_each_rule(model, data):
    asked = questions(data.held_out.tracks)

    def measured(scores, length):
        return evaluate(scores, data.held_out, asked, length, TRACKS).means()["ndcg_10"]

    own = measured(model.scores, 8)
    assert own > measured(by_popularity(data.known, TRACKS), 8) + 0.1
    for name in ("markov", "rules", "item_knn"):
        rule, length = training.build(data, name, {})
        assert own > measured(rule.scores, length), name


def test_the_graph_gives_the_answers_of_the_module(model, data, graph):
    asked = questions(data.held_out.tracks)
    for known, _ in list(batches(data.held_out, asked, 8, TRACKS))[:4]:
        assert export.check_parity(graph, model, data.catalog, known) <= 1e-5


def test_a_graph_of_another_model_is_refused(data, graph):
    other, _ = training.build(data, "hybrid", SMALL | {"net": {**SMALL["net"], "random_state": 1}})
    known, _ = next(batches(data.held_out, questions(data.held_out.tracks), 8, TRACKS))
    with pytest.raises(ExportError, match="the model was not stored"):
        export.check_parity(graph, other, data.catalog, known)


def test_a_graph_with_other_songs_is_refused(model, data, graph):
    known, _ = next(batches(data.held_out, questions(data.held_out.tracks), 8, TRACKS))
    other = replace(data.catalog, song=data.catalog.song[::-1].copy())
    with pytest.raises(ExportError, match="numbers artists or songs in another way"):
        export.check_parity(graph, model, other, known)


def swapped(rows: int):
    """Tracks 0 to 3 are the candidates of 40 rows; in some rows, track 4 stands for track 3."""
    wanted = [{0, 1, 2, 3} for _ in range(40)]
    return [{0, 1, 2, 4} if row < rows else one for row, one in enumerate(wanted)], wanted


def test_candidates_that_are_equally_strong_may_be_others():
    is_close = np.arange(40) < 21
    same = export._with_same_candidates(*swapped(12), is_close)
    assert same.tolist() == [False] * 12 + [True] * 28
    with pytest.raises(ExportError, match="not equally strong, such as in row 21"):
        export._with_same_candidates(*swapped(22), is_close)
    with pytest.raises(ExportError, match="chooses other candidates in 52% of the rows"):
        export._with_same_candidates(*swapped(21), is_close)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ([5, 4, 3, 2], [False]),
        ([5, 4, 4.000001, 2], [True]),  # track 1 is chosen, and track 2 is as strong
        ([5, 4, 2, 4], [False]),  # track 3 was played
        ([5, 4, 3, 5], [False]),
    ],
)
def test_a_close_call_is_a_cut_between_equally_strong_tracks(second, expected):
    """The first source chooses track 0, the second one track 1; track 3 may not be recommended."""
    strengths = [torch.tensor([[9.0, 1, 1, 1]]), torch.tensor([second], dtype=torch.float32)]
    ranker = SimpleNamespace(
        tracks=4,
        counts=[1, 1],
        signals=lambda known: None,
        groups=lambda known: None,
        candidates=lambda *_: (torch.tensor([[0, 1]]), None),
        strengths=lambda *_: [functional.pad(one, (0, 1)) for one in strengths],
    )
    known = SimpleNamespace(barred=torch.tensor([[3]]))
    assert export._close_calls(ranker, known).tolist() == expected


def test_played_tracks_are_never_recommended(graph, data):
    for tracks in data.held_out.tracks[:20]:
        played = [uri(track) for track in tracks]
        offered, scores = run(graph, [played])
        kept = [found for found in offered[0] if found]
        assert len(set(kept)) == len(kept)
        assert not set(kept) & set(played)
        assert (np.diff(scores[0]) <= 0).all()
        assert scores[0].sum() <= 1 + 1e-5


@pytest.fixture(scope="module", params=["hybrid", "item_knn", "latest_artist"])
def any_graph(request, data, graph) -> bytes:
    if request.param == "hybrid":
        return graph
    rule, length = training.build(data, request.param, {})
    return export.to_onnx(rule, data.catalog, length)


def offers(graph: bytes, played: list[str], **options) -> list[str]:
    (found,) = run(graph, [played], outputs=["track_uri"], **options)
    return [uri for uri in found[0] if uri]


def test_every_other_track_is_offered_in_the_end(any_graph):
    """The catalog has fewer tracks than the longest list."""
    played = [uri(3), uri(4)]
    assert sorted(offers(any_graph, played)) == sorted(
        uri(track) for track in range(TRACKS) if track not in (3, 4)
    )


def test_excluded_tracks_are_not_offered_and_change_no_other_order(any_graph):
    played = [uri(3), uri(4)]
    plain = offers(any_graph, played)
    exclude = [plain[0], "unknown", plain[2], uri(3)]
    # The last places are those of tracks that no source suggests.
    kept = [track for track in plain if track not in exclude]
    assert offers(any_graph, played, exclude=exclude)[:8] == kept[:8]
    assert not set(offers(any_graph, played, exclude=exclude)) & set(exclude)


def test_only_tracks_among_the_given_ones_are_offered(any_graph):
    played = [uri(3), uri(4)]
    among = [uri(3), uri(5), uri(30), "unknown", uri(12)]
    assert sorted(offers(any_graph, played, among=among)) == [uri(5), uri(12), uri(30)]
    assert offers(any_graph, played, among=[]) == []
    assert offers(any_graph, played, among=["unknown"]) == []
    both = offers(any_graph, played, among=among, exclude=[uri(12)])
    assert sorted(both) == [uri(5), uri(30)]


def test_artists_and_songs_are_numbered(any_graph):
    names = ["track_uri", "artist", "song", "barred_song"]
    found, artist, song, played = run(any_graph, [[uri(3), "x", uri(14)]], outputs=names)
    tracks = [int(one[-2:]) for one in found[0] if one]
    assert (artist[0][: len(tracks)] == np.array(tracks) // 4).all()
    pairs = {
        (track // 20, track % 10): number for track, number in zip(tracks, song[0], strict=False)
    }
    assert len(set(pairs.values())) == len(pairs)
    assert played[0][1] == -1
    # Track 13 is another version of track 3, and track 4 of track 14.
    assert played[0][0] == pairs[0, 3] and played[0][2] == pairs[0, 4]


@pytest.fixture(scope="module")
def earlier(data) -> bytes:
    """A graph like those that were trained before there were options: without their inputs."""
    rule, length = training.build(data, "item_knn", {})
    model = onnx.load_from_string(export.to_onnx(rule, data.catalog, length))
    for name, value in export.no_options(1).items():
        (given,) = (one for one in model.graph.input if one.name == name)
        model.graph.input.remove(given)
        # One row is enough for these tests.
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    for name in ("artist", "song", "barred_song"):
        (output,) = (one for one in model.graph.output if one.name == name)
        model.graph.output.remove(output)
    return model.SerializeToString()


def answered(content: bytes, **options) -> list:
    """The answer of `onnx_next_songs` for one row."""
    texts, number = pa.list_(pa.string()), pa.int64()
    given = {
        "uris": ([uri(3)], texts), "words": ([], texts), "k": (5, number), "exclude": (None, texts),
        "among": (["*"], texts), "per_artist": (None, number), "versions": (None, pa.bool_()),
    }  # fmt: skip
    given |= {name: (value, given[name][1]) for name, value in options.items()}
    columns = [pa.chunked_array([pa.array([value], type)]) for value, type in given.values()]
    ids = pa.chunked_array([pa.array(["any"])])
    return songs.next_songs(lambda _: Model("any", content), ids, *columns).to_pylist()[0]


def test_an_earlier_graph_is_served_and_refuses_options(data, earlier):
    rule, length = training.build(data, "item_knn", {})
    now = answered(export.to_onnx(rule, data.catalog, length), versions=True)
    assert answered(earlier) == answered(earlier, exclude=[], versions=False) == now
    for options, name in (
        ({"exclude": [uri(1)]}, "exclude"),
        ({"among": [uri(1)]}, "among"),
        ({"among": []}, "among"),
        ({"per_artist": 2}, "per_artist"),
        ({"k": 101}, "a k above 100"),
    ):
        with pytest.raises(ModelError, match=f"model any was trained before {name} existed"):
            answered(earlier, **options)


def test_an_earlier_graph_is_measured_like_a_present_one(data, monkeypatch):
    """The graph of the champion of an earlier version is measured on the present questions."""
    rule, length = training.build(data, "item_knn", {})
    content = export.to_onnx(rule, data.catalog, length)
    monkeypatch.setattr(
        training, "no_options", lambda rows: export.no_options(rows) | {"of another version": 1}
    )
    assert training.rescore(content, data) > 0


def test_the_longest_list_is_the_same_for_graphs_and_functions():
    assert songs.LARGEST_K == LARGEST_K


def test_weights_beyond_float16_are_the_largest_that_it_holds():
    found = half(np.array([1.0, 7e4], dtype=np.float32))
    assert found.dtype == torch.float16 and found.tolist() == [1.0, 65_504.0]


def test_tracks_of_an_artist_far_back_come_before_unrelated_popular_ones(data):
    """The artist of the first of 30 tracks; a track of this artist that nobody played."""
    catalog = replace(
        data.catalog,
        artist=np.array([0, 0, *range(1, TRACKS - 1)]),
        album=np.arange(TRACKS),
    )
    plays = np.full(TRACKS, 10_000)
    plays[1] = 0
    none = np.full((TRACKS + 1, NEIGHBORS), TRACKS, dtype=np.int32)
    neighbors = Neighbors(none, np.zeros((TRACKS + 1, NEIGHBORS, 3), dtype=np.float32))
    sequence_net = net.SequenceNet(catalog, net.Settings(size=16, heads=2))
    ranker = Ranker(sequence_net, neighbors, plays, Settings(by_net=1, by_edges=1, by_artist=1))
    beginning = [0, *range(11, 40)]
    known, _ = next(
        batches(Playlists([np.array([*beginning, 1])], np.full((1, 5), 2)), [(0, 30)], 30, TRACKS)
    )
    with torch.no_grad():
        offered, _ = ranker.candidates(known, ranker.signals(known), ranker.groups(known))
    assert 1 in offered[0].tolist()


def test_unknown_uris_are_left_out_at_any_position(graph):
    plain = run(graph, [[uri(3), uri(4)]])
    mixed = run(graph, [["x", uri(3), "", "y", uri(4), "z", *[""] * 20]])
    assert plain[0].tolist() == mixed[0].tolist()
    assert plain[1] == pytest.approx(mixed[1], abs=1e-6)


def test_an_empty_list_is_answered_and_a_title_changes_the_answer(graph):
    nothing, calm, party = (
        run(graph, [[]], title)[0][0].tolist() for title in ([], ["calm"], ["party"])
    )
    assert len([found for found in nothing if found]) >= 10

    def calm_ones(offered):
        return sum(int(found[-2:]) >= 20 for found in offered[:5] if found)

    assert calm_ones(calm) == 5
    assert calm_ones(party) == 0
    assert run(graph, [[]], ["unheard", "of"])[0][0].tolist() == nothing


def test_tracks_beyond_the_window_of_the_net_are_only_left_out(graph):
    many = [uri(track) for track in range(15)]
    offered = run(graph, [many])[0][0]
    assert not set(offered) & set(many)


def test_a_requested_score_equals_that_of_the_list(graph):
    played = [uri(25), uri(26)]
    offered, scores = run(graph, [played])
    for track, score in list(zip(offered[0], scores[0], strict=True))[:5]:
        (asked,) = run(graph, [played], asked=track, outputs=["asked_score"])
        assert asked.item() == pytest.approx(score, abs=1e-6)
    assert run(graph, [played], asked=played[0], outputs=["asked_score"])[0].item() == 0
    assert np.isnan(run(graph, [played], asked="x", outputs=["asked_score"])[0].item())


def test_vectors_have_length_1_and_unknown_tracks_have_none(graph):
    (vectors,) = run(graph, [[]], asked=uri(7), outputs=["vector"])
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)
    assert not run(graph, [[]], asked="x", outputs=["vector"])[0].any()


def test_a_track_outside_the_training_playlists_can_be_recommended(model, data):
    """Only the artist, album and sound of track 39 are known."""
    held_out = [tracks for tracks in data.held_out.tracks if 39 in tracks[3:]]
    cuts = [(place, tracks.tolist().index(39)) for place, tracks in enumerate(held_out)]
    found = Playlists(held_out, np.full((len(held_out), 5), 2))
    cold = evaluate(model.scores, found, cuts, 8, TRACKS).means()
    by_plays = evaluate(by_popularity(data.known, TRACKS), found, cuts, 8, TRACKS).means()
    assert cold["mrr"] > 2 * by_plays["mrr"]


def test_a_playlist_gets_the_same_answer_by_itself_and_in_a_batch(graph, data):
    lists = [[uri(track) for track in tracks[:6]] for tracks in data.held_out.tracks[:30]]
    together = run(graph, lists)
    for place, played in enumerate(lists):
        offered, scores = run(graph, [played])
        assert scores[0] == pytest.approx(together[1][place], abs=1e-6)
        same = offered[0] == together[0][place]
        assert (same | np.isclose(scores[0], together[1][place], atol=1e-6)).all()


def test_training_twice_gives_equal_bytes(data, graph):
    torch.manual_seed(5)  # the seed of the process does not matter
    again, _ = training.build(data, "hybrid", SMALL)
    assert export.to_onnx(again, data.catalog, 8) == graph
    # The working directory does not matter either: the bytes are equal in another folder.
    assert str(Path(export.__file__).parent).encode() not in graph


def test_a_catalog_that_is_too_large_is_refused_before_training(data, graph, monkeypatch):
    monkeypatch.setattr(export, "MAX_BYTES", 10_000)
    monkeypatch.setattr(training, "build", None)
    with pytest.raises(TrainingError, match="set the variable next_song_tracks to fewer, such as"):
        training.train(data, {"hybrid": SMALL})


@pytest.mark.slow
@pytest.mark.parametrize("tracks", [2_000, 20_000])
def test_the_size_of_a_graph_is_known_before_training(monkeypatch, tracks):
    """Of a catalog with long texts and nine audio features, for which a graph is exported.

    PyTorch's exporter names the parts of a graph in another way if the catalog is large.
    """
    rng = np.random.default_rng(0)
    catalog = Catalog(
        [f"spotify:track:{track:022}" for track in range(tracks)],
        np.arange(tracks) // 7,
        np.arange(tracks) // 3,
        np.arange(tracks),
        rng.normal(size=(tracks, 9)).astype(np.float32),
        np.ones(tracks, dtype=bool),
        [f"word{word}" for word in range(500)],
    )
    neighbors = Neighbors(
        np.full((tracks + 1, NEIGHBORS), tracks, dtype=np.int32),
        np.zeros((tracks + 1, NEIGHBORS, 3), dtype=np.float32),
    )
    settings = net.Settings()
    ranker = Ranker(
        net.SequenceNet(catalog, settings), neighbors, np.ones(tracks, dtype=int), Settings()
    )
    content = export.to_onnx(ranker.eval(), catalog, settings.length)
    monkeypatch.setattr(export, "MAX_BYTES", len(content) * 1.1 + 500_000)
    export.check_size(catalog, settings.size)
    monkeypatch.setattr(export, "MAX_BYTES", len(content) * 0.8)
    with pytest.raises(TrainingError, match="next_song_tracks"):
        export.check_size(catalog, settings.size)


def test_a_rule_becomes_a_graph_of_the_same_shape(data):
    rule, length = training.build(data, "markov", {})
    graph = export.to_onnx(rule, data.catalog, length)
    offered, scores = run(graph, [[uri(3)]], ["calm"])
    assert offered[0][0] == uri(4)
    assert scores[0].sum() == pytest.approx(1, abs=1e-4)
    assert [found.name for found in export.session(graph).get_outputs()] == training.outputs(
        "markov"
    )


def test_candidates_have_each_metric_and_its_baseline(data):
    (candidate,) = training.train(data, {"rules": {}})
    scores = {score.metric: score for score in candidate.scores}
    assert list(scores) == [
        "hit_rate_10", "ndcg_10", "mrr", "recall_200", "r_precision", "clicks", "list_ndcg",
    ]  # fmt: skip
    assert not scores["clicks"].higher_is_better
    assert scores["ndcg_10"].holdout > scores["ndcg_10"].baseline_holdout
    assert 0 < scores["ndcg_10"].sd < 0.1
    assert (candidate.train_rows, candidate.holdout_rows) == (240, 60)


@pytest.mark.parametrize(
    "config",
    [
        {"rules": {}},
        {"markov": {}},
        {"latest_artist": {}},
        {"hybrid": SMALL},
        # More candidates than there are tracks.
        pytest.param(
            {"hybrid": {"net": SMALL["net"], "ranking": {"epochs": 2}}}, marks=pytest.mark.slow
        ),
    ],
    ids=["rules", "markov", "latest artist", "hybrid", "all tracks are candidates"],
)
def test_the_measured_ranking_equals_the_served_one(data, config):
    (candidate,) = training.train(data, config)
    by_name = {score.metric: score.holdout for score in candidate.scores}
    assert training.rescore(candidate.onnx, data) == pytest.approx(by_name["ndcg_10"], abs=1e-3)


def test_a_constant_input_has_no_influence(data):
    """If each track has its own album, the model learns nothing about shared albums."""
    alone = replace(data, catalog=replace(data.catalog, album=np.arange(TRACKS)))
    model, _ = training.build(alone, "hybrid", SMALL)
    known, _ = next(batches(data.held_out, data.questions, 8, TRACKS))
    before = model.scores(known)
    model.album = torch.zeros_like(model.album)
    assert torch.equal(model.scores(known), before)


@pytest.mark.parametrize(
    "keep", [pytest.param(2, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow), 12]
)
@pytest.mark.parametrize(
    "count",
    [12, pytest.param(40, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.slow)],
)
def test_tiny_data_trains_or_says_why_not(tables, keep, count):
    """Only the first tracks of the first playlists, without words and sound."""
    playlists, catalog, counted = tables
    short = playlists.slice(0, count).set_column(
        playlists.column_names.index("track_numbers"),
        "track_numbers",
        pc.list_slice(playlists["track_numbers"].slice(0, count), 0, keep),
    )
    mute = catalog.set_column(6, "danceability", pa.nulls(TRACKS, pa.float64()))
    mute = mute.set_column(7, "energy", pa.nulls(TRACKS, pa.float64()))
    try:
        data = read(short, mute, counted)
        (candidate,) = training.train(data, {"hybrid": SMALL})
    except TrainingError as error:
        assert "add slices" in str(error)
        assert keep < 4 or count < 300
    else:
        by_name = {score.metric: score.holdout for score in candidate.scores}
        served = training.rescore(candidate.onnx, data)
        assert served == pytest.approx(by_name["ndcg_10"], abs=1e-3)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"prophet": {}},
            "no algorithm prophet: use one of markov, rules, item_knn, latest_artist, hybrid",
        ),
        ({"markov": {"k": 3}}, "markov has no hyperparameter k 3: it has none"),
        ({"hybrid": {"net": {"sise": 3}}}, "hybrid has no hyperparameter net .*: it has size"),
        ({"hybrid": {"epochs": 3}}, "hybrid has no hyperparameter epochs 3: it has net, ranking"),
    ],
)
def test_unknown_names_are_refused(data, config, message):
    with pytest.raises(TrainingError, match=message):
        training.train(data, config)


def test_an_epoch_respects_the_limit_of_sequences(data, monkeypatch):
    sizes, loss = [], net._loss
    monkeypatch.setattr(net, "_loss", lambda *given: sizes.append(len(given[1])) or loss(*given))
    net.train(data.catalog, data.known, net.Settings(epochs=2, sequences=100, negatives=8))
    assert sizes == [64, 36] * 2


def test_a_copy_of_a_net_forgets_only_the_given_tracks(data):
    trained = net.train(data.catalog, data.known, net.Settings(**SMALL["net"]))
    is_new = np.arange(TRACKS) % 4 == 0
    found = net.without(trained, is_new)
    every = torch.arange(TRACKS + 1)
    before, after = trained.embedded(every), found.embedded(every)
    new = np.append(is_new, False)
    assert torch.equal(before[~new], after[~new])
    assert (before != after).any(dim=1)[new].all()
    # artists, albums and sound remain
    own = trained.own(every) * torch.from_numpy(~new)[:, None]
    assert torch.allclose(after, before - trained.own(every) + own, atol=1e-6)
    assert (found.bias.weight[new] == 0).all() and (trained.bias.weight[new] != 0).any()


def test_neighbors_without_some_tracks_have_no_edges_of_them(data):
    known = training._neighbors(data.edges, TRACKS)
    is_new = np.arange(TRACKS) < 5
    found = known.without(is_new)
    assert (found.tracks == known.tracks).all()
    assert not found.weights[:5].any()
    leads_to_new = np.append(is_new, False)[known.tracks]
    assert not found.weights[leads_to_new].any() and known.weights[leads_to_new].any()
    kept = ~leads_to_new & (np.arange(TRACKS + 1) >= 5)[:, None]
    assert (found.weights[kept] == known.weights[kept]).all()
