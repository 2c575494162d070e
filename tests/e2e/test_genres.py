"""Genres: one spelling, learned from the rows, and a part of the model that knows them."""

import shutil

import duckdb
import pytest

import udfs
from tests.e2e.records import rewrite
from tests.e2e.test_little_data import summary_of
from tests.warehouse import Warehouse

BY_GENRE = """
    select predict_popularity(t), check_popularity(t)
    from (select * replace ({} as genres) from dim_tracks order by track_id limit 5) as t
"""
WITH_GENRES = {"tier", "popularity", "song_optimization"}


@pytest.mark.parametrize(
    ("given", "genre"),
    [
        ("['Hip Hop']", "hip-hop"),
        ("['hip_hop']", "hip-hop"),
        ("[' Hip-Hop ']", "hip-hop"),
        ("['HipHop']", "hip-hop"),
        ("'Hip Hop'", "hip-hop"),
        ("['R&B']", "r-n-b"),
        ("['r & b']", "r-n-b"),
        ("['RnB']", "r-n-b"),
        ("['Drum & Bass']", "drum-and-bass"),
        ("['Rock and Roll']", "rock-n-roll"),
    ],
)
def test_spellings_of_a_genre_give_the_same_answer(connection, given, genre):
    expected = connection.execute(BY_GENRE.format(f"['{genre}']")).fetchall()
    assert connection.execute(BY_GENRE.format(given)).fetchall() == expected
    assert not any("genres" in text for _, texts in expected for text in texts)


@pytest.mark.parametrize("given", ["[]", "['zzz']", "['']", "[null]", "['&']"])
def test_an_unknown_genre_counts_as_none(connection, given):
    none = connection.execute(BY_GENRE.format("[]::varchar[]")).fetchall()
    found = connection.execute(BY_GENRE.format(given)).fetchall()
    assert [score for score, _ in found] == [score for score, _ in none]
    if given != "[]":
        assert all("is not known and counts as none" in texts[-1] for _, texts in found)


@pytest.fixture(scope="module")
def with_new_genre(small_warehouse, small_sample, tmp_path_factory) -> Warehouse:
    """The small warehouse, built again with a new genre and with other spellings of an old one."""
    folder = tmp_path_factory.mktemp("genres")
    made = Warehouse(folder / "made")
    shutil.copytree(small_warehouse.folder, made.folder)
    shutil.copytree(small_sample, folder / "sample")

    def renamed(rows: list[dict]) -> list[dict]:
        spellings = {"hip-hop": ["Hip Hop", "hip_hop", "HIP-HOP"], "pop": ["Zydeco"]}
        return [
            row | {"track_genre": names[place % len(names)]}
            for place, row in enumerate(rows)
            for names in [spellings.get(row["track_genre"], [row["track_genre"]])]
        ]

    rewrite(folder / "sample" / "dataset.csv", renamed)
    made.build(HITPARADE_SAMPLE=str(folder / "sample"))
    return made


@pytest.fixture
def pinned(with_new_genre, small_warehouse, tmp_path) -> Warehouse:
    """A copy in which the champions of the earlier genres were promoted by hand."""
    shutil.copytree(with_new_genre.folder, tmp_path / "copy")
    copy = Warehouse(tmp_path / "copy")
    earlier = small_warehouse.query(
        "select task, model_id from ml.champions where task in ('popularity', 'song_optimization')"
    )
    with duckdb.connect(copy.database) as connection:
        for task, model_id in earlier:
            udfs.promote(connection, task, model_id)
    return copy


@pytest.mark.slow
def test_genres_are_learned_from_the_rows(with_new_genre):
    genres = {genre for (genre,) in with_new_genre.query("from staging.genres")}
    assert {"hip-hop", "zydeco"} <= genres
    assert not {"pop", "Hip Hop", "hip hop"} & genres
    newest = dict(
        with_new_genre.query("select task, max(version) from ml.model_versions group by task")
    )
    assert {task for task in WITH_GENRES if newest[task] == 2} == WITH_GENRES
    assert with_new_genre.query("from rpt_unknown_genres") == []


@pytest.mark.slow
def test_an_earlier_model_is_served_with_its_own_genres(with_new_genre, small_warehouse, pinned):
    query = BY_GENRE.format("['pop', 'zydeco']")
    ((_, findings), *_) = with_new_genre.query(query)
    assert "genres: pop is not known and counts as none" in findings
    expected = small_warehouse.query(query)
    assert "genres: zydeco is not known and counts as none" in expected[0][1]
    assert pinned.query(query) == expected
    ((count, share, genres),) = pinned.query(
        "select genre_count, track_share, most_frequent from rpt_unknown_genres "
        "where task = 'popularity'"
    )
    assert (count, genres) == (1, "zydeco")
    assert 0 < share < 0.1
    assert "popularity: " in summary_of(pinned)
    assert "have genres that the champion does not know" in summary_of(pinned)
    with pytest.raises(duckdb.Error, match="has no background rows with the inputs of the model"):
        pinned.query("select explain_popularity(t) from dim_tracks t limit 1")


@pytest.mark.slow
def test_models_that_know_other_genres_than_the_champion_get_no_traffic(pinned):
    newest = "select model_id from ml.model_versions where task = 'popularity' and version = 2"
    assigned = "select distinct assigned_model('popularity', i) from range(20) r(i)"
    with duckdb.connect(pinned.database) as connection:
        ((challenger,), *_) = connection.execute(newest).fetchall()
        ((champion,),) = connection.execute(assigned).fetchall()
        with pytest.raises(udfs.ModelError, match="does not have the inputs of model"):
            udfs.assign(connection, "popularity", challenger, 0.5)
        # A share that a challenger had before the promotion is neither used nor in the way.
        connection.execute(
            f"insert into ml.assignments values ('popularity', '{challenger}', 0, 9999, now())"
        )
        udfs.pin(connection, "popularity")
        assert connection.execute(assigned).fetchall() == [(champion,)]
        udfs.assign(connection, "popularity", challenger, 0)
        assert connection.execute("from ml.assignments").fetchall() == []


@pytest.mark.slow
def test_builds_go_on_with_a_pinned_champion_of_earlier_genres(pinned, with_new_genre):
    sample = with_new_genre.folder.parent / "sample"
    by_algorithm = "select predict_popularity_by('xgboost', t) from dim_tracks t order by track_id"
    before = pinned.query(f"{by_algorithm} limit 5")
    pinned.build("--select", "+fct_song_optimizations", HITPARADE_SAMPLE=str(sample))
    assert pinned.query(f"{by_algorithm} limit 5") == before
    with duckdb.connect(pinned.database, read_only=True) as connection:
        udfs.register(connection)
        advice = "select count(optimize_song(t)) from (from dim_tracks limit 5) as t"
        assert connection.execute(advice).fetchall() == [(5,)]


@pytest.mark.slow
def test_functions_do_not_depend_on_the_genres_of_later_rows(with_new_genre, tmp_path):
    shutil.copytree(with_new_genre.folder, tmp_path / "copy")
    copy = Warehouse(tmp_path / "copy")
    query = BY_GENRE.format("['hip-hop', 'zydeco']")
    before = copy.query(query)
    copy.dbt("run", "--select", "genres", "--vars", "most_genres: 3")
    assert copy.query("select count(*) from staging.genres") == [(3,)]
    assert copy.query(query) == before
