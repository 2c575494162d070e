"""Next songs in the warehouse: training data, models and stored predictions."""

import json
import re
from collections import Counter

import duckdb
import pytest

import udfs
from models_py.next_song import protocol
from models_py.next_song.rules import RULES


@pytest.fixture(scope="module")
def slices(sample) -> dict[int, dict]:
    """The playlists of the sample, as in its slices."""
    found = {}
    for path in sample.glob("mpd.slice.*.json"):
        for playlist in json.loads(path.read_text())["playlists"]:
            found[playlist["pid"]] = playlist
    return found


# Features


def test_playlists_list_their_tracks_in_order(sql_backend, slices):
    known = sql_backend.execute(
        "select list(track_uri order by track_number) from features.feat_next_song_tracks"
    ).fetchone()[0]
    rows = sql_backend.execute(
        "select playlist_id, fold, title_words, track_numbers from features.feat_next_song "
        "order by playlist_id limit 20"
    ).fetchall()
    for playlist_id, fold, words, numbers in rows:
        playlist = slices[playlist_id]
        assert [known[number] for number in numbers] == [
            track["track_uri"] for track in playlist["tracks"]
        ]
        assert fold == protocol.fold(track["track_uri"] for track in playlist["tracks"])
        assert words == re.findall(r"\w+", playlist["name"].lower())


def test_one_tenth_of_the_playlists_trains_the_ranking(sql_backend):
    shares = sql_backend.execute(
        "select avg(is_for_ranking::int), count(*) from features.feat_next_song where fold <> 0"
    ).fetchone()
    assert shares[0] == pytest.approx(0.1, abs=3 * (0.09 / shares[1]) ** 0.5)


@pytest.mark.slow
def test_edges_are_counted_as_in_the_slices(sql_backend, slices):
    numbers = dict(
        sql_backend.execute(
            "select track_uri, track_number from features.feat_next_song_tracks"
        ).fetchall()
    )
    following, near, together, fit = Counter(), Counter(), Counter(), Counter()
    ranking = dict(
        sql_backend.execute(
            "select playlist_id, is_for_ranking from features.int_playlists"
        ).fetchall()
    )
    for pid, playlist in slices.items():
        uris = [track["track_uri"] for track in playlist["tracks"]]
        if protocol.fold(uris) == protocol.HOLDOUT:
            continue
        tracks = [numbers[uri] for uri in uris]
        for place, track in enumerate(tracks):
            for step, other in enumerate(tracks[place + 1 : place + 11], 1):
                if track == other:
                    continue
                following[track, other] += step == 1
                near[track, other] += 1 / step
                together[track, other] += 1
                together[other, track] += 1
                fit[track, other] += (step == 1) * (not ranking[pid])
    rows = sql_backend.execute(
        "select track_number, neighbour_number, follows, near, together, fit_follows, strength "
        "from features.feat_next_song_edges"
    ).fetchall()
    assert len(rows) > 100_000
    kept = Counter(row[0] for row in rows)
    neighbours = Counter(track for track, _ in together)
    assert all(kept[track] >= min(64, count) for track, count in neighbours.items())
    for track, other, *counts, strength in rows:
        pair = (track, other)
        assert counts[:1] + counts[2:] == [following[pair], together[pair], fit[pair]]
        assert counts[1] == pytest.approx(near[pair])
        assert strength == pytest.approx(counts[0] + counts[1] + counts[2] / 10)


@pytest.mark.slow
def test_edges_do_not_depend_on_the_number_of_parts(copy):
    query = "from features.feat_next_song_edges order by track_number, neighbour_number"
    expected = copy.query(query)
    plays = copy.query("select count(*) from features.feat_next_song_entries")[0][0]
    copy.dbt("run", "--select", "feat_next_song_edges", "--vars", f"plays_at_once: {plays // 6}")
    assert copy.query(query) == expected
    log = (copy.folder / "logs" / "dbt.log").read_text()
    assert "entries.track_number % 7 = 6" in log


# Models


@pytest.mark.slow
def test_the_champion_is_far_above_popularity_and_below_the_best_achievable_score(sql_backend):
    rows = sql_backend.execute(
        "select algorithm, metric, mean, baseline_mean, ceiling, standard_error "
        "from ml.model_metrics where task = 'next_song'"
    ).fetchall()
    by_name = {(row[0], row[1]): row[2:] for row in rows}
    assert {algorithm for algorithm, _ in by_name} == {*RULES, "hybrid"}
    for metric in protocol.METRICS:
        mean, baseline, ceiling, error = by_name["hybrid", metric]
        others = [by_name[name, metric][0] for name in RULES]
        assert mean > max(others) + 2 * error
        assert baseline < 0.2 * mean
        assert 0.85 * ceiling < mean < ceiling
    query = (
        "select algorithm from ml.champions inner join ml.model_versions using (task, model_id) "
        "where task = 'next_song'"
    )
    assert sql_backend.execute(query).fetchone()[0] == "hybrid"


@pytest.mark.slow
def test_a_build_on_the_same_playlists_trains_nothing(copy, sample):
    before = copy.query("select count(*) from ml.train_next_song")
    copy.dbt("run", "--select", "+train_next_song", HITPARADE_SAMPLE=str(sample))
    assert copy.query("select count(*) from ml.train_next_song") == before


# Stored predictions


def test_each_playlist_has_ten_stored_songs_of_the_champion(sql_backend, slices):
    rows = sql_backend.execute(
        "select count(*), count(distinct playlist_id), min(song_rank), max(song_rank), "
        "any_value(next_song_model_id), count(distinct next_song_model_id) "
        "from fct_playlist_next_songs"
    ).fetchone()
    champion = sql_backend.execute(
        "select model_id from ml.champions where task = 'next_song'"
    ).fetchone()[0]
    assert rows == (10 * len(slices), len(slices), 1, 10, champion, 1)


@pytest.mark.slow
def test_only_changed_playlists_are_scored_again(copy, sample):
    def times() -> dict:
        query = "select playlist_id, max(predicted_at) from fct_playlist_next_songs group by 1"
        return dict(copy.query(query))

    before = times()
    with duckdb.connect(copy.database) as connection:
        connection.execute(
            "delete from staging.stg_mpd__playlist_tracks where playlist_id = 7 and position = 0"
        )
        connection.execute("delete from staging.stg_mpd__playlists where playlist_id = 8")
        connection.execute(
            "update features.int_playlists set title_words = ['unheard'] where playlist_id = 9"
        )
        connection.execute("delete from features.int_playlists where playlist_id = 8")
    copy.dbt("run", "--select", "fct_playlist_next_songs", HITPARADE_SAMPLE=str(sample))
    after = times()
    assert {playlist for playlist in before if before[playlist] != after.get(playlist)} == {7, 8, 9}
    assert 8 not in after


@pytest.mark.slow
def test_a_new_champion_makes_them_stale_until_the_next_run(copy, sample):
    (rules,) = copy.query(
        "select any_value(model_id) from ml.served_models "
        "where task = 'next_song' and algorithm = 'rules'"
    )[0]
    with duckdb.connect(copy.database) as connection:
        udfs.promote(connection, "next_song", rules)
    stale = copy.query("select table_name from ml.stale_predictions order by 1")
    assert stale == [("fct_playlist_next_songs",), ("fct_track_vectors",)]
    copy.dbt(
        *("run", "--select", "fct_playlist_next_songs", "fct_track_vectors"),
        HITPARADE_SAMPLE=str(sample),
    )
    models = copy.query("select distinct next_song_model_id from fct_playlist_next_songs")
    assert models == [(rules,)]
    # rules have no vectors
    assert copy.query("select count(vector) from fct_track_vectors") == [(0,)]
    assert copy.query("select * from ml.stale_predictions") == []
    similar = "select similar_tracks(track_uri, 3) from fct_track_vectors limit 1"
    assert copy.query(similar) == [(None,)]
    with duckdb.connect(copy.database) as connection:
        udfs.rollback(connection, "next_song")
    assert copy.query("select table_name from ml.stale_predictions order by 1") == stale
    copy.dbt("run", "--select", "fct_track_vectors", HITPARADE_SAMPLE=str(sample))
    assert copy.query("select count(*) filter (vector is null) from fct_track_vectors") == [(0,)]


@pytest.mark.slow
def test_without_playlists_there_is_no_model_and_the_functions_report_it(small_warehouse):
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        for _ in range(2):
            with pytest.raises(duckdb.Error, match="task next_song has no champion"):
                connection.execute("select next_songs([], 3)").fetchall()
            udfs.register(connection)
        assert connection.execute("select similar_tracks('x', 3)").fetchall() == [(None,)]
        assert connection.execute("from fct_playlist_next_songs").fetchall() == []
