"""Bad records among good ones: quarantined with a reason, or read unchanged.

HITPARADE_BAD_INPUTS=10000 tries that many.
"""

import csv
import random
import re
from collections import Counter

import duckdb
import hypothesis.strategies as st
import pytest

from hitparade.sources import raw
from tests.e2e.records import SONG, TRACK, csv_text
from tests.faults.outcomes import generated, show, size
from tests.warehouse import Warehouse
from udfs.snowflake.helpers import spelled

pytestmark = pytest.mark.slow

BAD_RECORDS = size("HITPARADE_BAD_INPUTS", 1000)
RECORDS = {"chart_songs": SONG, "tracks": TRACK}

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
CELLS = (
    TEXT
    | st.floats().map(str)
    | st.integers().map(str)
    | st.sampled_from(
        [
            "",
            " ",
            "nan",
            "-inf",
            "1e300",
            "-1",
            "1,234",
            "12,34",
            "1_0",
            "0x1F",
            "²",
            "\uff11",
            "9" * 400,
        ]
    )
)


def bad_records(source: str) -> list[list[str]]:
    """Records with one to three changed cells."""
    base = RECORDS[source]
    names = st.lists(st.sampled_from(list(base)), min_size=1, max_size=3, unique=True)
    changes = names.flatmap(lambda some: st.fixed_dictionaries(dict.fromkeys(some, CELLS)))
    return generated(changes.map(lambda change: list((base | change).values())), BAD_RECORDS // 2)


@pytest.fixture(scope="module")
def mixed(small_sample, tmp_path_factory) -> Warehouse:
    """A warehouse of the small sample with bad records among the good ones."""
    made = Warehouse(tmp_path_factory.mktemp("mixed"))
    made.raw.mkdir()
    for source, base in RECORDS.items():
        name = raw.SOURCES[source].file
        with (small_sample / name).open(newline="", encoding="utf-8-sig") as file:
            header, *good = csv.reader(file)
        assert header == list(base)
        records = good + bad_records(source)
        random.Random(0).shuffle(records)
        (made.raw / name).write_text(csv_text([header, *records]), encoding="utf-8")
    made.dbt("build")
    return made


def said_in_the_file(column: str, record: dict[str, str]) -> str:
    """The raw cell that a staging column is made from."""
    other = {"artists": "artist(s)_name", "genre": "track_genre"}.get(column, column)
    names = {column, column.replace("_pct", "_%"), other}
    text = next(text for name, text in record.items() if name in names)
    return spelled(text, {}) or "" if column == "genre" else text


def agrees(value, text: str) -> bool:
    """True if Python reads the same value from a cell as staging; 0 may mean unknown in a file."""
    if value is None:
        return not text.strip() or float(text) == 0
    if isinstance(value, str):
        return text == value
    return (
        float({"true": "1", "false": "0"}.get(text.strip().lower(), text.replace(",", ""))) == value
    )


def kept_and_quarantined(warehouse: Warehouse, source: str) -> tuple[dict, dict, dict]:
    """Records by line: all of the file, the kept ones, and the rules that the others broke."""
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        raw_rows, kept = (
            {row["line_number"]: row for row in connection.sql(query).to_arrow_table().to_pylist()}
            for query in (f"from raw.{source}", f"from staging.stg_kaggle__{source}")
        )
    rules = "select line_number, rule from staging.quarantine where reason <> '' and source ="
    return raw_rows, kept, dict(warehouse.query(f"{rules} '{source}'"))


def unusable_counts(warehouse: Warehouse) -> dict[int, list[str]]:
    """The counts of each chart song that are no numbers: reported, and NULL in a kept row."""
    counts = "select line_number, unusable_counts from staging.base_kaggle__chart_songs"
    return {line: (names or "").split() for line, names in warehouse.query(counts)}


@pytest.mark.parametrize("source", RECORDS)
def test_a_bad_record_is_read_unchanged_or_quarantined(mixed, source):
    records, kept, rules = kept_and_quarantined(mixed, source)
    assert kept.keys() | rules.keys() == records.keys()
    assert not kept.keys() & rules.keys()
    reported = unusable_counts(mixed) if source == "chart_songs" else {}
    for line, row in kept.items():
        for column in row.keys() - {"line_number", "released_on", *reported.get(line, ())}:
            assert agrees(row[column], said_in_the_file(column, records[line])), (column, row)
    outcomes = Counter({"kept": len(kept)})
    outcomes.update(re.sub(r".*_(missing|not_a|out_of)_", r"\1 ", rule) for rule in rules.values())
    show(f"Records of {source}", outcomes)
    assert len(records) > BAD_RECORDS // 2
    assert len(rules) > BAD_RECORDS // 8
    assert source == "tracks" or sum(map(bool, reported.values())) > 10


@pytest.mark.parametrize(
    "prediction",
    [
        "fct_song_predictions.log_streams",
        "fct_track_predictions.hit_probability",
        "fct_track_predictions.popularity",
    ],
)
def test_a_build_with_bad_records_predicts_finite_numbers(mixed, prediction):
    table, column = prediction.split(".")
    counts = f"select count({column}) > 100, count(*) filter (not isfinite({column})) from {table}"
    assert mixed.query(counts) == [(True, 0)]
