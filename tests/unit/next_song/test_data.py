"""The data that next-song models read from the feature tables."""

import numpy as np
import pyarrow.compute as pc
import pytest

from models_py.examples import TrainingError
from models_py.next_song.data import Playlists, last_tracks, plays, read


def test_playlists_are_split_by_fold(data, tables):
    assert (len(data.held_out), len(data.known)) == (60, 240)
    assert len(data.is_for_ranking) == 240
    assert data.is_for_ranking.sum() == sum(
        place % 7 == 1 and place % 5 > 0 for place in range(300)
    )
    assert data.held_out.tracks[1].tolist() == tables[0]["track_numbers"][5].as_py()


def test_words_of_a_single_title_are_unknown(data):
    assert data.catalog.words == ["calm", "party"]
    # the first title is "party", the next one "calm" and a number that no other title has
    assert data.known.titles[0].tolist() == [0, 2, 2, 2, 2]
    assert data.known.titles[1].tolist() == [1, 2, 2, 2, 2]


def test_sound_is_standardized_and_0_if_unknown(data):
    known = data.catalog.sound[data.catalog.has_sound]
    assert known.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert known.std(axis=0) == pytest.approx([1, 1])
    assert np.flatnonzero(~data.catalog.has_sound).tolist() == [0, 20]
    assert (data.catalog.sound[[0, 20]] == 0).all()


def test_tracks_of_one_artist_have_one_index(data):
    assert np.unique(data.catalog.artist[:4]).size == 1
    assert np.unique(data.catalog.artist).size == 10


@pytest.mark.parametrize(
    ("keep", "name"),
    [
        (lambda rows: pc.not_equal(rows["fold"], 0), "in fold 0"),
        (lambda rows: pc.equal(rows["fold"], 0), "to fit the edges and the net"),
        (lambda rows: pc.invert(rows["is_for_ranking"]), "to fit the ranking"),
    ],
)
def test_too_few_playlists_are_refused(tables, keep, name):
    playlists, *others = tables
    with pytest.raises(TrainingError, match=f"no playlists {name}: add slices"):
        read(playlists.filter(keep(playlists)), *others)


def test_the_last_tracks_are_padded_on_the_left():
    tracks = [np.array([1, 2, 3]), np.array([], dtype=int), np.array([4])]
    assert last_tracks(tracks, 2, 9).tolist() == [[2, 3], [9, 9], [9, 4]]


def test_plays_are_counted():
    playlists = Playlists([np.array([1, 1]), np.array([3])], np.zeros((2, 5), dtype=int))
    assert plays(playlists, 4).tolist() == [0, 2, 0, 1]
