"""The playlists of a sample: format, planted structure, and best achievable predictions."""

import json

import numpy as np
import pytest

from hitparade.sample import (
    SIZES,
    catalog,
    playlist_best_scores,
    playlists,
    slices,
    titles,
    tracks,
    write_sample,
)
from models_py.next_song import protocol


@pytest.fixture(scope="module")
def known() -> catalog.Catalog:
    table, _ = tracks.make(np.random.default_rng([5, 2]), 4_000)
    return catalog.make(np.random.default_rng([5, 3]), table, 2_000)


@pytest.fixture(scope="module")
def drawn(known) -> playlists.Playlists:
    return playlists.draw(np.random.default_rng(7), known, 1_500)


@pytest.fixture(scope="module")
def titled(known, drawn) -> titles.Titles:
    return titles.draw(np.random.default_rng(8), known, drawn)


def test_a_slice_equals_the_output_of_json_dumps(known, drawn, titled, tmp_path):
    rng = np.random.default_rng(1)
    path = slices.write(tmp_path / "slice", rng, known, drawn, titled.texts, 3_000)
    text = path.read_text()
    found = json.loads(text)
    assert json.dumps(found, indent=4) == text
    assert found["info"]["slice"] == "3000-3999"
    assert [playlist["pid"] for playlist in found["playlists"]] == list(range(3_000, 4_500))
    for playlist in found["playlists"]:
        entries = playlist["tracks"]
        assert [track["pos"] for track in entries] == list(range(playlist["num_tracks"]))
        assert len({track["artist_uri"] for track in entries}) == playlist["num_artists"]
        assert len({track["album_uri"] for track in entries}) == playlist["num_albums"]
        assert sum(track["duration_ms"] for track in entries) == playlist["duration_ms"]


def test_equal_arguments_give_equal_slices(tmp_path):
    given = {"tracks": 1_000, "playlists": 1_100, "only": {"playlists"}}
    one, two, other = (
        write_sample(tmp_path / name, **given, seed=seed)
        for name, seed in (("one", 5), ("two", 5), ("other", 6))
    )
    assert [path.name for path in one] == [
        "mpd.slice.0-999.json",
        "mpd.slice.1000-1999.json",
        "ceilings.csv",
    ]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes() != other[0].read_bytes()


def test_slices_of_another_sample_are_refused(tmp_path):
    given = {"tracks": 1_000, "only": {"playlists"}}
    write_sample(tmp_path, playlists=1_100, **given)
    with pytest.raises(ValueError, match=r"other slices, mpd.slice.1000-1999.json: remove them"):
        write_sample(tmp_path, playlists=900, **given)


@pytest.mark.parametrize("seed", range(5))
def test_the_smallest_catalog_has_enough_tracks_for_its_playlists(seed):
    table, _ = tracks.make(np.random.default_rng([seed, 2]), 4_000)
    made = catalog.make(np.random.default_rng([seed, 3]), table, SIZES["playlist_tracks"][0])
    found = playlists.draw(np.random.default_rng([seed, 4]), made, 200).tracks
    common = np.bincount(made.mood[made.weight > 0])
    assert max(map(len, found)) <= 0.7 * common.min() + 1  # the last track may be repeated
    assert common.max() < 1.1 * common.min()


def test_too_few_tracks_for_a_mood_and_an_era_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "FEWEST_IN_CELL", 100)
    with pytest.raises(ValueError, match="playlist_tracks=1000 gives too few tracks for a mood"):
        write_sample(tmp_path, tracks=1_000, playlist_tracks=1_000, only={"playlists"})


def test_only_the_last_track_may_repeat(drawn):
    twice = [found for found in drawn.tracks if len(np.unique(found)) < len(found)]
    assert 0 < len(twice) < 0.03 * len(drawn)
    assert all(len(np.unique(found[:-1])) == len(found) - 1 for found in twice)


def test_the_shape_is_the_published_one():
    """Of the million playlists: 2.26 tracks a playlist, 47% of them once, and their owners."""
    table, _ = tracks.make(np.random.default_rng([2023, 2]), 12_000)
    count = catalog.default_count(2_000)
    made = catalog.make(np.random.default_rng([2023, 3]), table, count)
    found = playlists.draw(np.random.default_rng(9), made, 2_000).tracks
    lengths = np.array([len(one) for one in found])
    assert lengths.min() >= 5 and lengths.max() <= 376
    assert np.median(lengths) == pytest.approx(49, abs=2)
    assert lengths.mean() == pytest.approx(66.3, abs=2)
    plays = np.concatenate(found)
    times = np.bincount(plays)
    distinct = np.count_nonzero(times)
    assert distinct / 2_000 == pytest.approx(2.26, rel=0.08)
    assert np.count_nonzero(times == 1) / distinct == pytest.approx(0.47, abs=0.02)
    assert len(np.unique(made.artist[plays])) / distinct == pytest.approx(0.131, abs=0.01)
    assert len(np.unique(made.album[plays])) / distinct == pytest.approx(0.325, abs=0.02)
    in_file = np.isin(made.uri, [f"spotify:track:{one}" for one in table["track_id"]])
    assert 0.3 < in_file[plays].mean() < 0.6  # the tracks file does not know the others


def test_directions_move_the_mood_as_named(known, drawn):
    change = np.array([known.mood[found[-1]] - known.mood[found[0]] for found in drawn.tracks])
    means = [change[drawn.direction == direction].mean() for direction in range(3)]
    assert means[0] < -1 < means[1] < 0.7 < means[2]


@pytest.fixture(scope="module")
def asked(known, drawn, titled) -> list[tuple[np.ndarray, int]]:
    """True probabilities after some playlist beginnings, and the track that followed."""
    cuts = [sorted({1, 3, len(found) // 2, len(found) - 2}) for found in drawn.tracks]
    return [
        (chances, drawn.tracks[place][cut])
        for place, cut, chances in playlist_best_scores.chances(
            known, drawn.tracks, titled.likelihood(), cuts
        )
    ]


def test_probabilities_cover_all_tracks_that_were_not_played(asked):
    assert len(asked) > 5_000
    sums = np.array([chances.sum() for chances, _ in asked])
    assert sums == pytest.approx(np.ones(len(asked)), abs=1e-9)
    assert all(chances[track] > 0 for chances, track in asked)


def test_ranks_are_those_of_the_protocol(asked):
    for chances, track in asked[:200]:
        played = np.flatnonzero(chances == 0)
        (expected,) = protocol.ranks(chances, played, np.array([track]))
        assert playlist_best_scores.rank(chances, track) == expected


def test_titles_tell_something(known, drawn, titled):
    """What a title tells is true, and makes the second track more likely."""
    told = titled.likelihood()
    hidden = (drawn.direction, drawn.mood, drawn.era, drawn.kind)
    assert (told[np.arange(len(drawn)), *hidden] > 0).all()
    with_title, without = (
        np.mean(
            [
                np.log(chances[drawn.tracks[place][1]])
                for place, _, chances in playlist_best_scores.chances(
                    known, drawn.tracks, likely, [[1]] * len(drawn)
                )
            ]
        )
        for likely in (told, np.ones_like(told))
    )
    assert with_title > without + 0.02


@pytest.mark.parametrize(("kind", "column"), [(1, "artist"), (2, "album")])
def test_playlists_are_made_around_artists_and_albums(known, drawn, kind, column):
    of = getattr(known, column)
    same = np.array([np.mean(of[found[1:]] == of[found[:-1]]) for found in drawn.tracks])
    assert same[drawn.kind == kind].mean() > 1.5 * same[drawn.kind == 0].mean()


def test_rare_tracks_come_as_often_as_predicted(asked, known):
    is_rare = known.weight == 0
    said = np.array([chances[is_rare].sum() for chances, _ in asked])
    came = np.array([is_rare[track] for _, track in asked])
    error = np.sqrt((said * (1 - said)).sum())
    assert abs(came.sum() - said.sum()) < 3.5 * error
    # After a rare track of an album, the next one of the album is likely.
    likely = said > np.median(said) + 0.01
    assert came[likely].mean() > 2 * came[~likely].mean()


@pytest.mark.parametrize("most", [1, 10, 100])
def test_likely_tracks_come_as_often_as_predicted(asked, most):
    """The probabilities are exact, so the most probable tracks come as often as predicted."""
    said, came = [], []
    for chances, track in asked:
        first = np.argpartition(-chances, most)[:most]
        said.append(chances[first].sum())
        came.append(track in first)
    error = np.sqrt(np.mean(np.multiply(said, np.subtract(1, said))) / len(asked))
    assert np.mean(came) == pytest.approx(np.mean(said), abs=4 * error)
    # The probabilities also differ by beginning: more probable tracks come more often.
    likely = np.array(said) > np.median(said)
    assert np.mean(np.array(came)[likely]) > np.mean(np.array(came)[~likely]) + 0.02
