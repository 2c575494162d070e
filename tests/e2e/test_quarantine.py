"""Every raw record is kept or quarantined with the broken rule and the reason."""

import io
import itertools
import json
import shutil

import duckdb
import pytest
from rich.console import Console

from hitparade.cli import summary
from tests.e2e.records import SONG, TRACK, csv_text
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

STAGING = ("+quarantine", "+stg_raw__files", "stg_mpd__*", "+feat_log_streams", "+feat_hit")


def status_of(test: str, warehouse: Warehouse) -> str:
    """The status of a data test in the newest dbt run."""
    results = json.loads((warehouse.folder / "target" / "run_results.json").read_text())["results"]
    return {r["unique_id"].split(".")[2]: r["status"] for r in results}[test]


# One record for each way to break a rule: (rule, a part of the reason, changes of the record)


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
    *not_numbers(["streams"], "whole number", "12,34", "1,2345", "12.5", "1.5e0", "nan", "9" * 20),
    *not_numbers(["streams"], "whole number", "1e-1", "1e99", "9.1e15"),
    *outside(PERCENTS, "0", "100", "101", "-1"),
    *outside(["streams"], "0", "100000000000", "-1", "100000000001"),
    *outside(["artist_count", "bpm"], "1", "1000", "0", "1001"),
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
BLANK = {"genre": "genre has no letter or digit"}
BAD_TRACKS = [
    *not_numbers(INTEGERS, "whole number", "text", "", "4.5", "nan"),
    *not_numbers([*SHARES, "loudness", "tempo"], "number", "text", "", "nan", "inf", "-inf"),
    *not_numbers(["tempo"], "number", "1_0", "1,5"),
    *outside(SHARES, "0", "1", "1.01", "-0.01"),
    *outside(["popularity"], "0", "100", "101", "-1"),
    *outside(["duration_ms"], "0", "86400000", "-1", "86400001"),
    *outside(["key"], "-1", "11", "-2", "12"),
    *outside(["loudness"], "-200", "100", "-201.0", "100.5", "1e+300"),
    *outside(["mode"], "0", "1", "-1", "2"),
    *outside(["tempo"], "0", "1000", "-1.0", "1000.5"),
    *outside(["time_signature"], "0", "16", "-1", "17"),
    *[
        ("explicit_not_a_boolean", f"'{text}', neither True nor False", {"explicit": text})
        for text in ("maybe", "", "2")
    ],
    *[
        (f"{rule}_missing", BLANK.get(rule, f"{rule} is blank"), {column: text})
        for column, rule in [
            ("track_id", "track_id"),
            ("track_name", "track_name"),
            ("artists", "artists"),
            ("track_genre", "genre"),
        ]
        for text in ("", " ")
    ],
]
# Records that break no rule: (changes of the record, column, value)
GOOD_SONGS = [
    ({"in_deezer_playlists": "1,234"}, "in_deezer_playlists", 1234),
    ({"in_shazam_charts": "1,021,444"}, "in_shazam_charts", 1021444),
    ({"streams": "1,234,567"}, "streams", 1234567),
    ({"in_shazam_charts": "826.0"}, "in_shazam_charts", 826),
    ({"bpm": " 99 "}, "bpm", 99),
    *[({name: ""}, name, None) for name in [*COUNTS, "key", "mode"]],
    *[({name: text}, name, None) for name in COUNTS for text in ("text", "12,34", "1,8")],
    ({"streams": "1.67693E+05"}, "streams", 167693),
    ({"streams": "1e9"}, "streams", 10**9),
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
    *[({"explicit": text}, "explicit", True) for text in ("1", "yes", " TRUE ", "WAHR", "vrai")],
    *[({"explicit": text}, "explicit", False) for text in ("0", "No", "falso", "0.0")],
    ({"duration_ms": "1.67693E+05"}, "duration_ms", 167693),
    ({"album_name": ""}, "album_name", None),
]
# For each source: a valid record, records that break a rule, records that break none.
RECORDS = {
    "chart_songs": (SONG, BAD_SONGS, GOOD_SONGS),
    "tracks": (TRACK, BAD_TRACKS, GOOD_TRACKS),
}


def wrong_lengths(base: dict) -> list[list[str]]:
    """A record that is too short and one that is too long."""
    cells = list(base.values())
    return [cells[:-1], [*cells, "more"]]


def numbered(source: str) -> tuple[list, list, list]:
    """Bad records, records of a wrong length and good records, each with its line number."""
    base, bad, good = RECORDS[source]
    lines = itertools.count(2)
    return tuple(
        [(next(lines), record) for record in part] for part in (bad, wrong_lengths(base), good)
    )


def bad_records():
    return [
        pytest.param(source, line, *record, id=f"{source}-{record[0]}-{line}")
        for source in RECORDS
        for line, record in numbered(source)[0]
    ]


def good_records():
    return [
        pytest.param(source, line, column, value, id=f"{source}-{column}-{line}")
        for source in RECORDS
        for line, (_, column, value) in numbered(source)[2]
    ]


@pytest.fixture(scope="module")
def staged(new_warehouse) -> Warehouse:
    """A warehouse with the staging models of all these records."""
    files = {
        source: csv_text(
            [
                list(base),
                *[list((base | changes).values()) for *_, changes in bad],
                *wrong_lengths(base),
                *[list((base | changes).values()) for changes, *_ in good],
            ]
        )
        for source, (base, bad, good) in RECORDS.items()
    }
    made = new_warehouse(**files)
    made.dbt("build", "--select", *STAGING)
    return made


@pytest.fixture(scope="module")
def rejected(staged) -> dict[tuple, tuple]:
    """Rule, reason and content of each quarantined record by source and line."""
    rows = staged.query("select source, line_number, rule, reason, content from staging.quarantine")
    return {(source, line): rest for source, line, *rest in rows}


@pytest.mark.parametrize(("source", "line", "rule", "said", "changes"), bad_records())
def test_a_bad_record_is_quarantined(rejected, source, line, rule, said, changes):
    assert (source, line) in rejected
    found, reason, content = rejected[source, line]
    assert found == rule
    assert said in reason
    assert json.loads(content).items() >= changes.items()


@pytest.mark.parametrize("source", RECORDS)
def test_a_line_with_a_wrong_number_of_cells_is_quarantined_whole(rejected, source):
    for line, cells in numbered(source)[1]:
        rule, reason, content = rejected[source, line]
        assert rule == "number_of_cells"
        assert reason == "the line does not have as many cells as the header"
        assert json.loads(content)["unparsed"] == ",".join(cells)


@pytest.mark.parametrize(("source", "line", "column", "value"), good_records())
def test_a_good_record_is_kept(staged, source, line, column, value):
    found = staged.query(
        f'select "{column}" from staging.stg_kaggle__{source} where line_number = {line}'
    )
    assert found == [(value,)]


@pytest.mark.parametrize("source", RECORDS)
def test_every_raw_row_is_kept_or_quarantined(staged, source):
    ((kept, quarantined, raw),) = staged.query(f"""
        select
            (select count(*) from staging.stg_kaggle__{source}),
            (select count(*) from staging.quarantine where source = '{source}'),
            (select row_count from staging.stg_raw__files where source = '{source}')
    """)
    assert kept + quarantined == raw == sum(map(len, numbered(source)))


def test_the_data_test_passes_if_no_row_is_lost(staged):
    assert status_of("raw_rows_are_kept_or_quarantined", staged) == "pass"


def test_the_data_test_fails_if_a_row_is_lost(staged, tmp_path):
    shutil.copytree(staged.folder, tmp_path, dirs_exist_ok=True)
    copy = Warehouse(tmp_path)
    with duckdb.connect(copy.database) as connection:
        connection.execute(
            "delete from staging.quarantine where source = 'tracks' and line_number = 2"
        )
    copy.dbt("test", "--select", "raw_rows_are_kept_or_quarantined", check=False)
    assert status_of("raw_rows_are_kept_or_quarantined", copy) == "fail"


# Sources of which many records or all are in quarantine


def built_with(made: Warehouse):
    """The output of a build of what is read and what is in quarantine."""
    return made.dbt("build", "--select", "staging", "rpt_sources", check=False)


def tracks(bad: int, good: int) -> str:
    """A tracks file with bad and good records."""
    records = [TRACK | {"tempo": "fast"}] * bad + [TRACK] * good
    named = [row | {"track_id": f"id{number}"} for number, row in enumerate(records)]
    return csv_text([list(TRACK), *(list(row.values()) for row in named)])


def test_a_build_fails_if_no_record_of_a_file_is_usable(new_warehouse):
    songs = csv_text([list(SONG), list((SONG | {"streams": "many"}).values())])
    result = built_with(new_warehouse(chart_songs=songs, tracks=tracks(bad=3, good=0)))
    assert result.returncode
    said = "Got 2 results, configured to fail if != 0, such as source tracks, most_broken_rule "
    assert f"{said}tempo_not_a_number, rejection_example tempo is 'fast'" in result.stdout


def test_a_build_fails_if_no_slice_is_usable(new_warehouse):
    made = new_warehouse(tracks=tracks(bad=0, good=3))
    (made.raw / "mpd.slice.0-0.json").write_text("{")
    result = built_with(made)
    assert result.returncode
    assert "such as source playlists, most_broken_rule not_json" in result.stdout


@pytest.mark.parametrize(
    ("bad", "level", "status"), [(2, "many", "warn"), (1, "few", "pass"), (0, "none", "pass")]
)
def test_a_build_warns_if_many_records_are_in_quarantine(bad, level, status, new_warehouse):
    made = new_warehouse(tracks=tracks(bad, good=20))
    result = built_with(made)
    assert result.returncode == 0
    assert status_of("sources_have_few_records_in_quarantine", made) == status
    query = "select quarantine_level, most_broken_rule from rpt_sources where source = 'tracks'"
    assert made.query(query) == [(level, "tempo_not_a_number" if bad else None)]


def test_the_summary_warns_if_many_records_are_in_quarantine(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        connection.execute(
            "update rpt_sources set quarantine_level = 'many', quarantined_share = 0.25, "
            "most_broken_rule = 'tempo_not_a_number', rejection_example = 'tempo is fast' "
            "where source = 'tracks'"
        )
    printed = Console(file=io.StringIO(), width=200)
    summary.show(printed, small_copy.database)
    assert (
        "tracks: 25% of the records are in quarantine, most of them by the rule "
        "tempo_not_a_number, such as: tempo is fast"
    ) in printed.file.getvalue()
