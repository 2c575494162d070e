import csv
import io
import itertools
import json
import shutil
from hashlib import md5

import duckdb
import pytest

from hitparade.sample import write_sample
from tests.conftest import Warehouse

CHART_FILE, TRACK_FILE = "spotify-2023.csv", "dataset.csv"
STAGING = ("+quarantine", "+stg_raw__files", "+feat_log_streams", "+feat_hit")

SONG = {
    "track_name": "Name",
    "artist(s)_name": "Artist",
    "artist_count": "1",
    "released_year": "2023",
    "released_month": "7",
    "released_day": "14",
    "in_spotify_playlists": "553",
    "in_spotify_charts": "147",
    "streams": "141381703",
    "in_apple_playlists": "43",
    "in_apple_charts": "263",
    "in_deezer_playlists": "45",
    "in_deezer_charts": "10",
    "in_shazam_charts": "826",
    "bpm": "125",
    "key": "B",
    "mode": "Major",
    "danceability_%": "80",
    "valence_%": "89",
    "energy_%": "83",
    "acousticness_%": "31",
    "instrumentalness_%": "0",
    "liveness_%": "8",
    "speechiness_%": "4",
}
TRACK = {
    "": "0",  # the file's row number: a column without a name
    "track_id": "id",
    "artists": "Artist",
    "album_name": "Album",
    "track_name": "Name",
    "popularity": "78",
    "duration_ms": "167693",
    "explicit": "False",
    "danceability": "0.654",
    "energy": "0.63",
    "key": "10",
    "loudness": "-4.644",
    "mode": "1",
    "speechiness": "0.0259",
    "acousticness": "0.153",
    "instrumentalness": "7.4e-06",
    "liveness": "0.111",
    "valence": "0.43",
    "tempo": "89.991",
    "time_signature": "4",
    "track_genre": "country",
}


def csv_text(rows: list[list[str]], delimiter: str = ",", newline: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return text.getvalue()


def file_of(base: dict, changes: list[dict], **form: str) -> str:
    """A file of one record for each change of the base."""
    return csv_text([list(base), *[list((base | change).values()) for change in changes]], **form)


@pytest.fixture(scope="module")
def new_warehouse(tmp_path_factory):
    """Make warehouses with these raw files, of which nothing is built yet."""

    def make(**files: str | bytes) -> Warehouse:
        made = Warehouse(tmp_path_factory.mktemp("warehouse"))
        made.raw.mkdir()
        for source, content in files.items():
            name = {"chart_songs": CHART_FILE, "tracks": TRACK_FILE}[source]
            data = content.encode() if isinstance(content, str) else content
            (made.raw / name).write_bytes(data)
        return made

    return make


def status_of(test: str, warehouse: Warehouse) -> str:
    """What the newest dbt run says of a data test."""
    results = json.loads((warehouse.folder / "target" / "run_results.json").read_text())["results"]
    return {r["unique_id"].split(".")[2]: r["status"] for r in results}[test]


# One record for each way to break a rule: (rule, a part of the reason, what the record changes)


def not_numbers(columns: list[str], kind: str, *texts: str) -> list[tuple]:
    return [
        (f"{c.replace('%', 'pct')}_not_a_number", f"is '{text}', not a {kind}", {c: text})
        for c in columns
        for text in texts
    ]


def outside(columns: list[str], low: str, high: str, *texts: str) -> list[tuple]:
    said = f", outside {low} to {high}"
    return [
        (f"{c.replace('%', 'pct')}_out_of_range", text + said, {c: text})
        for c in columns
        for text in texts
    ]


PERCENTS = [name for name in SONG if name.endswith("%")]
COUNTS = [name for name in SONG if name.startswith("in_")]
SHARES = [
    "danceability",
    "energy",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
]
NEEDED = ["artist_count", "released_year", "released_month", "released_day", "streams", "bpm"]
INTEGERS = ["popularity", "duration_ms", "key", "mode", "time_signature"]

BAD_SONGS = [
    ("streams_not_a_number", "'BPM110KeyAMajor', not a", {"streams": "BPM110KeyAMajor"}),
    *not_numbers(NEEDED + PERCENTS, "whole number", "text", "", " "),
    *not_numbers(COUNTS, "whole number", "text", "12,34"),
    *not_numbers(["streams"], "whole number", "12,34", "1,2345", "12.5", "1e9", "nan", "9" * 20),
    *outside(PERCENTS, "0", "100", "101", "-1"),
    *outside(["streams"], "0", "100000000000", "-1", "100000000001"),
    ("track_name_missing", "track_name is blank", {"track_name": " "}),
    ("artists_missing", "artists is blank", {"artist(s)_name": ""}),
    *[
        (
            "released_on_not_a_date",
            f"2023-{month}-{day}, not a date",
            {"released_month": month, "released_day": day},
        )
        for month, day in map(
            str.split, ["2 31", "2 29", "13 1", "0 1", "1 0", "-1 1", "123 1", "1 311"]
        )
    ],
]
BAD_TRACKS = [
    *not_numbers(INTEGERS, "whole number", "text", "", "4.5", "nan"),
    *not_numbers([*SHARES, "loudness", "tempo"], "number", "text", "", "nan", "inf", "-inf"),
    *not_numbers(["tempo"], "number", "1_0", "1,5"),
    *outside(SHARES, "0", "1", "1.01", "-0.01"),
    *outside(["popularity"], "0", "100", "101", "-1"),
    *[
        ("explicit_not_a_boolean", f"'{text}', neither True nor False", {"explicit": text})
        for text in ("maybe", "", "2")
    ],
    *[
        (f"{rule}_missing", f"{rule} is blank", {column: text})
        for column, rule in [
            ("track_id", "track_id"),
            ("track_name", "track_name"),
            ("artists", "artists"),
            ("track_genre", "genre"),
        ]
        for text in ("", " ")
    ],
]
# Records that keep all rules: (what the record changes, column, value)
GOOD_SONGS = [
    ({"in_deezer_playlists": "1,234"}, "in_deezer_playlists", 1234),
    ({"in_shazam_charts": "1,021,444"}, "in_shazam_charts", 1021444),
    ({"streams": "1,234,567"}, "streams", 1234567),
    ({"in_shazam_charts": "826.0"}, "in_shazam_charts", 826),
    ({"bpm": " 99 "}, "bpm", 99),
    *[({name: ""}, name, None) for name in [*COUNTS, "key", "mode"]],
    ({"energy_%": "0"}, "energy_pct", 0),
    ({"energy_%": "100"}, "energy_pct", 100),
    ({"streams": "0"}, "streams", 0),
    ({"track_name": "A, \"B\"; 'C'"}, "track_name", "A, \"B\"; 'C'"),
]
GOOD_TRACKS = [
    ({"tempo": "0.0"}, "tempo", None),
    ({"tempo": "1.2e2"}, "tempo", 120.0),
    ({"time_signature": "0"}, "time_signature", None),
    ({"popularity": "0"}, "popularity", 0),
    ({"popularity": "100"}, "popularity", 100),
    ({"valence": "0"}, "valence", 0.0),
    ({"valence": "1.0"}, "valence", 1.0),
    ({"loudness": "1.5"}, "loudness", 1.5),
    ({"explicit": "True"}, "explicit", True),
    ({"explicit": "FALSE"}, "explicit", False),
    ({"album_name": ""}, "album_name", None),
]
# Each source: a good record, records that break a rule, records that keep all.
JUDGED = {
    "chart_songs": (SONG, BAD_SONGS, GOOD_SONGS),
    "tracks": (TRACK, BAD_TRACKS, GOOD_TRACKS),
}


def wrong_lengths(base: dict) -> list[list[str]]:
    """A record that is too short and one that is too long."""
    cells = list(base.values())
    return [cells[:-1], [*cells, "more"]]


def numbered(source: str) -> tuple[list, list, list]:
    """The bad, the wrongly long and the good records, each with the line it stands on."""
    base, bad, good = JUDGED[source]
    lines = itertools.count(2)
    return tuple(
        [(next(lines), record) for record in part] for part in (bad, wrong_lengths(base), good)
    )


def bad_records():
    return [
        pytest.param(source, line, *record, id=f"{source}-{record[0]}-{line}")
        for source in JUDGED
        for line, record in numbered(source)[0]
    ]


def good_records():
    return [
        pytest.param(source, line, column, value, id=f"{source}-{column}-{line}")
        for source in JUDGED
        for line, (_, column, value) in numbered(source)[2]
    ]


@pytest.fixture(scope="module")
def judged(new_warehouse) -> Warehouse:
    """Staging of all these records."""
    files = {
        source: csv_text(
            [
                list(base),
                *[list((base | changes).values()) for *_, changes in bad],
                *wrong_lengths(base),
                *[list((base | changes).values()) for changes, *_ in good],
            ]
        )
        for source, (base, bad, good) in JUDGED.items()
    }
    made = new_warehouse(**files)
    made.dbt("build", "--select", *STAGING)
    return made


@pytest.fixture(scope="module")
def rejected(judged) -> dict[tuple, tuple]:
    """Rule, reason and content of each quarantined record by source and line."""
    rows = judged.query("select source, line_number, rule, reason, content from staging.quarantine")
    return {(source, line): rest for source, line, *rest in rows}


@pytest.mark.parametrize(("source", "line", "rule", "said", "changes"), bad_records())
def test_a_bad_record_stands_in_quarantine(rejected, source, line, rule, said, changes):
    assert (source, line) in rejected
    found, reason, content = rejected[source, line]
    assert found == rule
    assert said in reason
    assert json.loads(content).items() >= changes.items()


@pytest.mark.parametrize("source", JUDGED)
def test_a_line_with_a_wrong_number_of_cells_stands_whole_in_quarantine(rejected, source):
    for line, cells in numbered(source)[1]:
        rule, reason, content = rejected[source, line]
        assert rule == "number_of_cells"
        assert reason == "the line does not have as many cells as the header"
        assert json.loads(content)["unparsed"] == ",".join(cells)


@pytest.mark.parametrize(("source", "line", "column", "value"), good_records())
def test_a_good_record_is_kept(judged, source, line, column, value):
    found = judged.query(
        f'select "{column}" from staging.stg_kaggle__{source} where line_number = {line}'
    )
    assert found == [(value,)]


@pytest.mark.parametrize("source", JUDGED)
def test_every_raw_row_is_kept_or_quarantined(judged, source):
    ((kept, quarantined, raw),) = judged.query(f"""
        select
            (select count(*) from staging.stg_kaggle__{source}),
            (select count(*) from staging.quarantine where source = '{source}'),
            (select row_count from staging.stg_raw__files where source = '{source}')
    """)
    assert kept + quarantined == raw == sum(map(len, numbered(source)))


def test_dbt_sees_that_no_row_is_lost(judged):
    assert status_of("raw_rows_are_kept_or_quarantined", judged) == "pass"


def test_dbt_sees_a_lost_row(judged, tmp_path):
    shutil.copytree(judged.folder, tmp_path, dirs_exist_ok=True)
    copy = Warehouse(tmp_path)
    with duckdb.connect(copy.database) as connection:
        connection.execute(
            "delete from staging.quarantine where source = 'tracks' and line_number = 2"
        )
    copy.dbt("test", "--select", "raw_rows_are_kept_or_quarantined", check=False)
    assert status_of("raw_rows_are_kept_or_quarantined", copy) == "fail"


# A small world: every anomaly of the full tracks file, whose arithmetic is the same. There: 114,000
# records = 113,999 kept + 1 nameless; 113,999 - 1,000 of sleep = 112,999; these have 80,398 exact
# (track_name, artists) pairs, each with one representative.

SMALL_SONGS = [
    {"track_name": "Qué Más Pués?", "artist(s)_name": "J Balvin, Maria Becerra"},
    {"track_name": "two\nlines; one song", "in_deezer_playlists": "1,234"},
    {"track_name": 'says "é"', "streams": "BPM110"},
    {"key": "", "in_shazam_charts": ""},
]
SMALL_TRACKS = [
    # track_id, track_name, artists, genre, popularity
    ("n0", "", "", "pop", 0),  # 1 nameless record
    ("a1", "Été", "Zoé;Ann", "pop", 10),  # stands once
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
    ("s1", "Slumber", "Sam", "sleep", 90),  # in sleep alone
    ("t1", "Twin", "Tom", "sleep", 80),  # in sleep and another genre
    ("t1", "Twin", "Tom", "pop", 60),
    ("u1", "Under", "Uma", "sleep", 80),  # its pair has another id in another genre
    ("u2", "Under", "Uma", "pop", 10),
]
TRACK_IDS = {"a1", "b1", "c1", "d0", "d1", "d2", "e1", "e2", "s1", "t1", "u1", "u2"}
REPRESENTATIVES = {"a1", "b1", "c1", "d1", "e1", "e2", "t1", "u2"}


def small_world(make, encoding: str = "utf-8", **form: str) -> Warehouse:
    names = ("track_id", "track_name", "artists", "track_genre", "popularity")
    tracks = [dict(zip(names, map(str, row), strict=True)) for row in SMALL_TRACKS]
    return make(
        chart_songs=file_of(SONG, SMALL_SONGS, **form).encode(encoding),
        tracks=file_of(TRACK, tracks, **form).encode(encoding),
    )


@pytest.fixture(scope="module")
def small(new_warehouse) -> Warehouse:
    """Staging and features of the small world in UTF-8 with commas and line feeds."""
    made = small_world(new_warehouse)
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
        ("staging.stg_kaggle__tracks", 16),  # 17 - 1 nameless
        ("staging.stg_kaggle__tracks where genre <> 'sleep'", 13),  # 16 - 3 of sleep
        ("features.int_tracks", 12),  # one for each id
        ("features.int_tracks where is_pair_representative", 8),  # exact pairs of the 13
        ("features.feat_hit", 8),
    ],
)
def test_rows_of_each_step(small, counted, rows):
    made = small.query(f"select count(*) from {counted}")
    assert made == [(rows,)]


def test_each_track_id_has_one_row(tracks):
    assert tracks.keys() == TRACK_IDS


def test_the_most_popular_track_represents_its_pair_and_the_lowest_id_breaks_ties(small):
    found = small.query("select track_id from features.int_tracks where is_pair_representative")
    assert {track_id for (track_id,) in found} == REPRESENTATIVES


@pytest.mark.parametrize(("track_id", "popularity"), [("b1", 20), ("c1", 50), ("t1", 60)])
def test_a_repeated_track_keeps_its_highest_popularity_in_genres_to_train_on(
    tracks, track_id, popularity
):
    assert tracks[track_id]["popularity"] == popularity


def test_tracks_in_excluded_genres_alone_are_excluded(tracks):
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
def test_genres_are_gathered_over_the_song(tracks, track_ids, genres):
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
def test_the_form_of_a_file_changes_nothing(new_warehouse, small, encoding, form):
    other = small_world(new_warehouse, encoding, **form)
    other.dbt("run", "--select", *[f"+{table}" for table in STAGING_TABLES])
    for table in STAGING_TABLES:
        rows = f"from staging.{table} order by all"
        assert other.query(rows) == small.query(rows)


# Sources that are not there


@pytest.fixture(scope="module")
def without_tracks(new_warehouse, tmp_path_factory):
    """What dbt says of a whole build without tracks, and what it built."""
    sample = tmp_path_factory.mktemp("sample")
    write_sample(sample, songs=200, tracks=700)
    made = new_warehouse(chart_songs=(sample / CHART_FILE).read_bytes())
    return made.dbt("build", check=False), made


def test_a_whole_build_passes_without_a_source(without_tracks):
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


def test_a_task_without_a_model_says_what_to_do_next(without_tracks):
    _, made = without_tracks
    with pytest.raises(duckdb.Error, match=r"no model .champion of task hit. is served: see"):
        made.query("select predict_hit(0.5, 0.5, 0.5, 120.0)")


# Files that cannot be read


@pytest.fixture(scope="module")
def unreadable(new_warehouse):
    """What dbt says of a chart songs file without streams and of an empty tracks file."""
    song = {name: value for name, value in SONG.items() if name != "streams"}
    made = new_warehouse(chart_songs=file_of(song, [{}]), tracks="")
    return made.dbt("build", "--select", "+quarantine", check=False)


def test_a_file_that_cannot_be_read_fails_the_build(unreadable):
    assert unreadable.returncode == 1


@pytest.mark.parametrize(
    "message", [f"{CHART_FILE} lacks the column streams: ", f"{TRACK_FILE} is empty: "]
)
def test_a_file_that_cannot_be_read_is_named(unreadable, message):
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
def test_rows_of_the_published_files(published, counted, expected):
    assert published.query(f"select count(*) from {counted}") == [(expected,)]


def test_one_published_song_is_quarantined(published):
    assert published.query(
        "select source, rule, content ->> 'track_name' from staging.quarantine"
    ) == [("chart_songs", "streams_not_a_number", "Love Grows (Where My Rosemary Goes)")]


@pytest.mark.parametrize("table", ["feat_log_streams", "feat_hit"])
def test_published_songs_stand_in_one_fold_each(published, table):
    folds = published.query(f"select distinct pair_key, fold from features.{table}")
    assert {fold for _, fold in folds} == {0, 1, 2, 3, 4}
    assert dict(folds) == {pair_key: fold_by_hand(pair_key) for pair_key, _ in folds}
    assert len(dict(folds)) == len(folds)
