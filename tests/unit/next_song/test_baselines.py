"""The baselines of the next-song model."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from models_py.next_song import baselines, rules
from models_py.next_song.beginnings import batches
from models_py.next_song.data import plays
from models_py.next_song.edges import Edges, strongest

NONE = 40


def known(data, playlist: int, cut: int, length: int = 10):
    found, _ = next(batches(data.held_out, [(playlist, cut)], length, NONE))
    return found


def test_the_strongest_neighbors_come_first_and_ties_by_number():
    weights = np.array([[1.0], [3.0], [3.0], [0.0], [5.0]], dtype=np.float32)
    edges = Edges(
        np.array([0, 0, 0, 0, 2]), np.array([1, 3, 2, 4, 0]), weights, weights[:, 0].astype(float)
    )
    found = strongest(edges, 5, edges.strength, edges.weights, k=2)
    assert found.tracks.tolist() == [[2, 3], [5, 5], [0, 5], [5, 5], [5, 5], [5, 5]]
    assert found.weights[0, :, 0].tolist() == [3, 3]
    assert found.weights[2, :, 0].tolist() == [5, 0]
    assert not found.weights[[1, 3, 4, 5]].any()


def test_markov_ranks_by_what_followed_the_last_track(data):
    played = plays(data.known, NONE)
    model = rules.rule("markov", data)
    scores = model.scores(known(data, 1, 4))[0].numpy()
    last = data.held_out.tracks[1][3]
    followed = np.zeros(NONE)
    for tracks in data.known.tracks:
        for before, after in pairwise(tracks):
            followed[after] += before == last
    assert scores == pytest.approx(followed + played / played.sum() * 1e-3, abs=1e-5)


def test_item_knn_sums_cosines_over_the_last_tracks(data):
    played = plays(data.known, NONE)
    model = rules.rule("item_knn", data)
    scores = model.scores(known(data, 1, 4))[0].numpy()
    expected = played / played.sum() * 1e-3
    for track, neighbor, weights in zip(
        data.edges.track, data.edges.neighbor, data.edges.weights, strict=True
    ):
        times = (data.held_out.tracks[1][:4] == track).sum()
        size = np.sqrt(max(played[track] * played[neighbor], 1))
        expected[neighbor] += times * weights[2] / size
    assert scores == pytest.approx(expected, rel=1e-3)  # the graph has float16


def test_the_latest_artist_comes_first_and_other_artists_by_popularity(data):
    model = rules.rule("latest_artist", data)
    beginning = known(data, 1, 4, length=30)
    (scores,) = model.scores(beginning).numpy()
    artists, played = data.catalog.artist, plays(data.known, NONE)
    latest = [artists[track] for track in data.held_out.tracks[1][:4]]
    order = sorted(
        range(NONE),
        key=lambda track: (
            -max(
                (place for place, artist in enumerate(latest) if artist == artists[track]),
                default=-1,
            ),
            -played[track],
        ),
    )
    assert (np.diff(scores[order]) <= 0).all()
    nothing = known(data, 1, 0, length=30)
    assert model.scores(nothing)[0].numpy() == pytest.approx(played / played.sum() * 1e-3, abs=1e-9)


def test_by_sessions_prefers_tracks_of_similar_playlists(data):
    score = baselines.by_sessions(data.known, NONE, neighbors=20)
    (scores,) = score(known(data, 0, 6)).numpy()
    mood = data.held_out.tracks[0][0] // 20
    assert scores[20 * mood : 20 * mood + 19].min() > scores[20 * (1 - mood) :][:19].max()


def test_by_ease_equals_the_formula_with_the_inverse_of_tracks_by_tracks(data):
    cells = np.zeros((len(data.known), NONE))
    for row, tracks in enumerate(data.known.tracks):
        cells[row, tracks] = 1
    inverse = np.linalg.inv(cells.T @ cells + 10 * np.eye(NONE))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    played = data.held_out.tracks[2][:5]
    (scores,) = baselines.by_ease(data.known, NONE, penalty=10)(known(data, 2, 5)).numpy()
    others = np.setdiff1d(np.arange(NONE), played)
    assert scores[others] == pytest.approx(weights[played].sum(axis=0)[others], abs=1e-4)


def test_shares_of_a_rule_sum_to_1_without_the_played_tracks(data):
    model = rules.rule("rules", data)
    beginning = known(data, 3, 5)
    tracks, shares, asked = model.answer(beginning, torch.tensor([[data.held_out.tracks[3][0]]]))
    assert shares.clamp(min=0).sum().item() == pytest.approx(1, abs=1e-5)
    assert shares[0, data.held_out.tracks[3][:5]].tolist() == [-1] * 5
    assert tracks[0].tolist() == list(range(NONE))
    assert asked.item() == 0
