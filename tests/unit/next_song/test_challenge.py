"""The protocol of the RecSys Challenge 2018, against cases that were computed by hand."""

import numpy as np
import pytest
import torch

from benchmarks import challenge
from benchmarks.challenge import Category, clicks, ndcg, r_precision
from tests.unit.next_song.conftest import TRACKS

ARTISTS = np.array([0, 0, 1, 1, 2, 2, 3, 3])


@pytest.mark.parametrize(
    ("offered", "withheld", "expected"),
    [
        # One of two tracks, and its artist.
        ([0, 6, 1], [0, 4], (1 + 0.25) / 2),
        # The second offered track is by the artist of a withheld one; the third does not count.
        ([6, 1, 4], [0, 4], 0.25 / 2),
        # An artist counts once, however many of the tracks are by this artist.
        ([0, 1], [0, 1], (2 + 0.25) / 2),
        ([0, 2, 4], [0, 2, 4], 1.25),
        ([6, 7], [0, 4], 0),
        ([], [0], 0),
    ],
)
def test_r_precision_counts_tracks_and_a_quarter_for_artists(offered, withheld, expected):
    assert r_precision(offered, withheld, ARTISTS) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("offered", "withheld", "expected"),
    [
        ([3], [3], 1),
        # Ranks 1 and 3 of two: (1 + 1 / log2(4)) / (1 + 1 / log2(3)).
        ([3, 5, 4], [4, 3], 1.5 / (1 + 1 / np.log2(3))),
        ([5, 6], [3], 0),
        ([], [3], 0),
    ],
)
def test_ndcg_divides_by_the_best_order(offered, withheld, expected):
    assert ndcg(offered, withheld) == pytest.approx(expected)


def test_ndcg_of_more_withheld_tracks_than_fit_in_a_list():
    assert ndcg(range(500), range(600)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("place", "expected"), [(0, 0), (9, 0), (10, 1), (19, 1), (499, 49), (None, 51)]
)
def test_clicks_are_turned_pages(place, expected):
    offered = list(range(1_000, 1_500))
    withheld = [7] if place is None else [7, offered[place]]
    assert clicks(offered, withheld) == expected


def test_the_categories_are_those_of_the_challenge():
    assert [category.name for category in challenge.CATEGORIES] == [
        "title", "title and first 1", "title and first 5", "first 5", "title and first 10",
        "first 10", "title and first 25", "title and random 25", "title and first 100",
        "title and random 100",
    ]  # fmt: skip


def test_a_model_that_knows_the_answer_is_perfect_and_known_tracks_do_not_count(data):
    lists = {tuple(sorted(set(tracks.tolist()))) for tracks in data.held_out.tracks}

    def oracle(known):
        scores = torch.zeros(len(known.barred), TRACKS)
        for row, played in enumerate(known.barred.tolist()):
            beginning = {track for track in played if track < TRACKS}
            for tracks in lists:
                if beginning <= set(tracks):
                    scores[row, list(tracks)] += 1 / (1 + len(lists))
            # Known tracks would come first.
            scores[row, list(beginning)] = 9.0
        return scores

    rows = challenge.run(
        data,
        {"oracle": oracle, "nothing": lambda known: torch.zeros(len(known.barred), TRACKS)},
        length=30,
    )
    found = {(row["known"], row["model"]): row for row in rows}
    assert found["title and first 10", "oracle"]["clicks"] == 0
    assert (
        found["title and first 10", "oracle"]["ndcg"]
        > found["title and first 10", "nothing"]["ndcg"]
    )
    # Only playlists with more tracks than are known are asked about; these have at most 12.
    categories = {
        "title", "title and first 1", "title and first 5", "first 5", "title and first 10",
        "first 10",
    }  # fmt: skip
    assert {known for known, _ in found} == categories | {challenge.MEAN}
    # Each category counts the same, however many playlists it has.
    clicks = [found[known, "nothing"]["clicks"] for known in categories]
    assert found[challenge.MEAN, "nothing"]["clicks"] == pytest.approx(np.mean(clicks))


def test_random_tracks_are_moved_to_the_beginning_and_titles_are_hidden(data):
    random = challenge._questions(data, Category(3, has_title=False, is_random=True))
    first = challenge._questions(data, Category(3, has_title=True))
    assert len(random.playlists) == len(first.playlists) > 0
    moved = 0
    for one, other in zip(random.playlists.tracks, first.playlists.tracks, strict=True):
        assert sorted(one) == sorted(other)
        moved += list(one[:3]) != list(other[:3])
    assert moved > len(first.playlists) / 2
    none = len(data.catalog.words)
    assert (random.playlists.titles == none).all()
    assert (first.playlists.titles == data.held_out.titles).all()
