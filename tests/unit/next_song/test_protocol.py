"""The evaluation of next-song models: questions and metrics."""

import math

import duckdb
import numpy as np
import pytest

from models_py.next_song import protocol


def test_questions_are_between_the_third_and_the_last_track():
    assert protocol.cuts(range(3)) == []
    assert protocol.cuts(range(4)) == [3]
    assert protocol.cuts(range(10)) == [3, 4, 5, 6, 7, 8, 9]
    many = protocol.cuts(range(250))
    assert (len(many), many[0], many[-1]) == (15, 3, 249)


def test_a_track_already_played_is_not_a_question():
    assert protocol.cuts([5, 6, 7, 8, 5, 9]) == [3, 5]


def test_playlists_are_used_until_there_are_enough_questions(monkeypatch):
    playlists = [range(4), range(3), range(6), range(9)]
    everything = protocol.questions(playlists)
    assert everything[:4] == [(0, 3), (2, 3), (2, 4), (2, 5)]
    assert {place for place, _ in everything} == {0, 2, 3}
    monkeypatch.setattr(protocol, "MOST", 2)
    assert protocol.questions(playlists) == everything[:4]


def test_folds_equal_those_of_sql():
    playlists = [[], ["a"], ["a", "b"], ["b", "a"]]
    sql = "select ('0x' || left(md5(unnest(?) || '|0'), 8))::bigint % 5"
    texts = [" ".join(playlist) for playlist in playlists]
    assert [(protocol.fold(p),) for p in playlists] == duckdb.execute(sql, [texts]).fetchall()
    shares = np.bincount([protocol.fold([str(n)]) for n in range(20_000)]) / 20_000
    assert shares == pytest.approx(np.full(5, 0.2), abs=0.02)


def test_ranks_skip_played_tracks_and_halve_ties():
    scores = np.array([9.0, 5.0, 5.0, 5.0, 1.0])
    none = np.array([], dtype=int)
    assert protocol.ranks(scores, none, np.array([0, 4, 2])).tolist() == [1, 5, 3]
    assert protocol.ranks(scores, np.array([0, 1]), np.array([2])) == [1.5]


def test_metrics_of_a_rank():
    ranks = np.array([1.0, 2.0, 10.0, 10.5])
    assert protocol.hit_rate(ranks).tolist() == [1, 1, 1, 0]
    assert protocol.ndcg(ranks) == pytest.approx([1, 1 / math.log2(3), 1 / math.log2(11), 0])
    assert protocol.reciprocal_rank(ranks) == pytest.approx([1, 0.5, 0.1, 1 / 10.5])


def test_metrics_of_a_list():
    ranks = np.array([1.0, 3.0, 40.0])
    assert protocol.r_precision(ranks) == pytest.approx(2 / 3)
    assert protocol.clicks(ranks) == 0
    assert protocol.clicks(np.array([31.0, 700])) == 3
    assert protocol.clicks(np.array([5_000.0])) == 51
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert protocol.list_ndcg(ranks) == pytest.approx((1 + 1 / 2) / ideal)
