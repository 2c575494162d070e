"""From raw files to tracks and songs: rows kept and excluded, genres collected, sources absent."""

from hashlib import md5

import duckdb
import pytest

from hitparade.sample import write_sample
from tests.e2e.records import CHART_FILE, SONG, TRACK, TRACK_FILE, file_of
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

STAGING = ("+quarantine", "+stg_raw__files", "stg_mpd__*", "+feat_log_streams", "+feat_hit")


# A small tracks file with every anomaly of the full one, whose row counts follow the same rules:
# 114,000 records = 113,999 kept + 1 without a name; 113,999 - 1,000 of sleep = 112,999; these have
# 80,398 exact (track_name, artists) pairs, each with one representative.

SMALL_SONGS = [
    {"track_name": "Qué Más Pués?", "artist(s)_name": "J Balvin, Maria Becerra"},
    {"track_name": "two\nlines; one song", "in_deezer_playlists": "1,234"},
    {"track_name": 'says "é"', "streams": "BPM110"},
    {"key": "", "in_shazam_charts": ""},
]
SMALL_TRACKS = [
    # track_id, track_name, artists, genre, popularity
    ("n0", "", "", "pop", 0),  # 1 record without a name
    ("a1", "Été", "Zoé;Ann", "pop", 10),  # in one row
    ("b1", "Both", "Bob", "pop", 20),  # one id in two genres
    ("b1", "Both", "Bob", "rock", 20),
    ("c1", "Change", "Cy", "jazz", 5),  # ... with differing popularity
    ("c1", "Change", "Cy", "pop", 50),
    ("c1", "Change", "Cy", "rock", 49),
    ("d2", "Double", "Di", "pop", 70),  # three ids of one pair, two of them tied
    ("d1", "Double", "Di", "jazz", 70),
    ("d0", "Double", "Di", "rock", 60),
    ("e1", "Echo", "Ed", "pop", 30),  # two pairs that differ in case: one song
    ("e2", "ECHO", "ed", "rock", 40),
    ("s1", "Slumber", "Sam", "sleep", 90),  # only in sleep
    ("t1", "Twin", "Tom", "sleep", 80),  # in sleep and another genre
    ("t1", "Twin", "Tom", "pop", 60),
    ("u1", "Under", "Uma", "sleep", 80),  # its pair has another id in another genre
    ("u2", "Under", "Uma", "pop", 10),
]
TRACK_IDS = {"a1", "b1", "c1", "d0", "d1", "d2", "e1", "e2", "s1", "t1", "u1", "u2"}
REPRESENTATIVES = {"a1", "b1", "c1", "d1", "e1", "e2", "t1", "u2"}


def small_files(make, encoding: str = "utf-8", **form: str) -> Warehouse:
    names = ("track_id", "track_name", "artists", "track_genre", "popularity")
    tracks = [dict(zip(names, map(str, row), strict=True)) for row in SMALL_TRACKS]
    return make(
        chart_songs=file_of(SONG, SMALL_SONGS, **form).encode(encoding),
        tracks=file_of(TRACK, tracks, **form).encode(encoding),
    )


@pytest.fixture(scope="module")
def small(new_warehouse) -> Warehouse:
    """Staging and features of the small files in UTF-8 with commas and line feeds."""
    made = small_files(new_warehouse)
    made.dbt("run", "--select", *STAGING)
    return made


@pytest.fixture(scope="module")
def tracks(small) -> dict[str, dict]:
    """Tracks by id."""
    columns = ("track_id", "popularity", "genres", "is_excluded", "pair_key")
    rows = small.query(f"select {', '.join(columns)} from features.int_tracks")
    return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}


@pytest.mark.parametrize(
    ("counted", "rows"),
    [
        ("staging.base_kaggle__tracks", 17),
        ("staging.quarantine where rule = 'track_name_missing'", 1),
        ("staging.stg_kaggle__tracks", 16),  # 17 - 1 without a name
        ("staging.stg_kaggle__tracks where genre <> 'sleep'", 13),  # 16 - 3 of sleep
        ("features.int_tracks", 12),  # one for each id
        ("features.int_tracks where is_pair_representative", 8),  # exact pairs of the 13
        ("features.feat_hit", 8),
    ],
)
def test_each_step_has_the_expected_rows(small, counted, rows):
    made = small.query(f"select count(*) from {counted}")
    assert made == [(rows,)]


def test_each_track_id_has_one_row(tracks):
    assert tracks.keys() == TRACK_IDS


def test_the_most_popular_track_represents_its_pair_and_the_lowest_id_breaks_ties(small):
    found = small.query("select track_id from features.int_tracks where is_pair_representative")
    assert {track_id for (track_id,) in found} == REPRESENTATIVES


@pytest.mark.parametrize(("track_id", "popularity"), [("b1", 20), ("c1", 50), ("t1", 60)])
def test_a_repeated_track_keeps_its_highest_popularity_among_included_genres(
    tracks, track_id, popularity
):
    assert tracks[track_id]["popularity"] == popularity


def test_tracks_with_only_excluded_genres_are_excluded(tracks):
    assert {name for name, track in tracks.items() if track["is_excluded"]} == {"s1", "u1"}


@pytest.mark.parametrize(
    ("track_ids", "genres"),
    [
        (["a1"], ["pop"]),
        (["b1"], ["pop", "rock"]),
        (["d0", "d1", "d2"], ["jazz", "pop", "rock"]),
        (["e1", "e2"], ["pop", "rock"]),
        (["t1"], ["pop", "sleep"]),
        (["u1", "u2"], ["pop", "sleep"]),
        (["s1"], ["sleep"]),
    ],
)
def test_genres_are_collected_over_all_rows_of_the_song(tracks, track_ids, genres):
    assert [tracks[name]["genres"] for name in track_ids] == [genres] * len(track_ids)


def test_pairs_that_differ_in_case_are_one_song(tracks):
    assert tracks["e1"]["pair_key"] == tracks["e2"]["pair_key"]
    assert len({track["pair_key"] for track in tracks.values()}) == 8


def fold_by_hand(pair_key: str) -> int:
    return int(md5(f"{pair_key}|0".encode()).hexdigest()[:8], 16) % 5


@pytest.mark.parametrize(
    ("track_id", "song", "fold"),
    [("a1", "été|zoé;ann", 0), ("e1", "echo|ed", 4), ("e2", "echo|ed", 4)],
)
def test_folds_are_the_same_in_every_warehouse(small, track_id, song, fold):
    pair_key = md5(song.encode()).hexdigest()
    assert fold_by_hand(pair_key) == fold
    found = small.query(
        f"select pair_key, fold from features.feat_hit where track_id = '{track_id}'"
    )
    assert found == [(pair_key, fold)]


STAGING_TABLES = ("stg_kaggle__chart_songs", "stg_kaggle__tracks", "quarantine")


@pytest.mark.parametrize(
    ("encoding", "form"),
    [("utf-8-sig", {"newline": "\r\n"}), ("latin-1", {}), ("utf-8", {"delimiter": ";"})],
    ids=["byte order mark and CRLF", "latin-1", "semicolons"],
)
def test_encoding_and_delimiter_of_a_file_change_nothing(new_warehouse, small, encoding, form):
    other = small_files(new_warehouse, encoding, **form)
    other.dbt("run", "--select", *[f"+{table}" for table in STAGING_TABLES])
    for table in STAGING_TABLES:
        rows = f"from staging.{table} order by all"
        assert other.query(rows) == small.query(rows)


# Sources that are not there


@pytest.fixture(scope="module")
def without_tracks(new_warehouse, tmp_path_factory):
    """The output of a full build without tracks, and its warehouse."""
    sample = tmp_path_factory.mktemp("sample")
    write_sample(sample, songs=200, tracks=700, only={"chart_songs", "tracks"})
    made = new_warehouse(chart_songs=(sample / CHART_FILE).read_bytes())
    return made.dbt("build", check=False), made


def test_a_full_build_passes_without_a_source(without_tracks):
    result, _ = without_tracks
    assert result.returncode == 0, result.stdout


def test_an_absent_source_is_called_absent(without_tracks):
    _, made = without_tracks
    found = made.query(
        "select status, file, row_count from staging.stg_raw__files where source = 'tracks'"
    )
    assert found == [("absent", None, 0)]


@pytest.mark.parametrize(
    "table",
    [
        "staging.stg_kaggle__tracks",
        "features.int_tracks",
        "features.feat_hit",
        "main.dim_tracks",
        "main.fct_track_predictions",
    ],
)
def test_tables_of_an_absent_source_are_empty(without_tracks, table):
    _, made = without_tracks
    assert made.query(f"select count(*) from {table}") == [(0,)]


def test_a_task_without_a_model_names_the_next_step(without_tracks):
    _, made = without_tracks
    with pytest.raises(duckdb.Error, match="task hit has no champion: see"):
        made.query("select predict_hit(0.5, 0.5, 0.5, 120.0)")


# Files that cannot be read


@pytest.fixture(scope="module")
def unreadable(new_warehouse):
    """The output of a build with a chart songs file without streams and an empty tracks file."""
    song = {name: value for name, value in SONG.items() if name != "streams"}
    made = new_warehouse(chart_songs=file_of(song, [{}]), tracks="")
    return made.dbt("build", "--select", "+quarantine", check=False)


def test_an_unreadable_file_fails_the_build(unreadable):
    assert unreadable.returncode == 1


@pytest.mark.parametrize(
    "message", [f"{CHART_FILE} lacks the column streams: ", f"{TRACK_FILE} is empty: "]
)
def test_an_unreadable_file_is_named(unreadable, message):
    assert message in unreadable.stdout


# The published files


@pytest.fixture(scope="module")
def published(new_warehouse, real_files) -> Warehouse:
    """Staging and features of the published files."""
    made = new_warehouse(
        chart_songs=(real_files / "spotify-2023.csv").read_bytes(),
        tracks=(real_files / "dataset-6-genres.csv").read_bytes(),
    )
    made.dbt("build", "--select", *STAGING)
    return made


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ("staging.stg_kaggle__chart_songs", 952),
        ("features.feat_log_streams", 952),
        ("staging.stg_kaggle__tracks", 6000),
        ("features.int_tracks where is_pair_representative", 4516),
    ],
)
def test_the_published_files_have_the_expected_rows(published, counted, expected):
    assert published.query(f"select count(*) from {counted}") == [(expected,)]


def test_one_published_song_is_quarantined(published):
    assert published.query(
        "select source, rule, content ->> 'track_name' from staging.quarantine"
    ) == [("chart_songs", "streams_not_a_number", "Love Grows (Where My Rosemary Goes)")]


@pytest.mark.parametrize("table", ["feat_log_streams", "feat_hit"])
def test_each_published_song_is_in_one_fold(published, table):
    folds = published.query(f"select distinct pair_key, fold from features.{table}")
    assert {fold for _, fold in folds} == {0, 1, 2, 3, 4}
    assert dict(folds) == {pair_key: fold_by_hand(pair_key) for pair_key, _ in folds}
    assert len(dict(folds)) == len(folds)
