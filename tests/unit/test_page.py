"""Input to the page: songs as JSON, and text that becomes SQL literals."""

import duckdb
import pytest
import sqlglot

from hitparade.app import queries, songs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tempo": ' + "1" * 400 + "}", "tempo must be a number, not 111"),
        ('{"tempo": ' + "1" * 5_000 + "}", "This is not a song"),
        ("[" * 100_000, "This is not a song"),
        ('{"tempo": NaN}', "tempo must be a number, not NaN"),
        ('{"tempo": "fast"}', "tempo must be a number"),
        ('{"key": true}', "key must be a number"),
        ('{"genres": ["pop", 1]}', "genres must be a list of strings"),
    ],
)
def test_invalid_song_json_is_explained(text, message):
    with pytest.raises(songs.SongError, match=message):
        songs.parsed(text)


@pytest.mark.parametrize(
    "text", ["", "it's", "\\", "\\'", "a\\\\b", "\\', (select 1) as x --", "''\\''", "é%_"]
)
def test_text_is_one_sql_literal_in_both_warehouses(text):
    sql = f"select {queries.literal(text)} as given"
    assert duckdb.sql(sql).fetchall() == [(text,)]
    parsed = sqlglot.parse_one(sql, dialect="snowflake")
    literals = parsed.find_all(sqlglot.exp.Literal, bfs=False)
    texts = [one for one in literals if one.is_string]
    assert len(parsed.selects) == 1
    assert not list(parsed.find_all(sqlglot.exp.Select))[1:]
    assert "\\".join(one.this for one in texts) == text


def test_each_missing_input_of_a_track_is_named_with_what_stands_for_it():
    known = {name: value for name, value in songs.START.items() if name not in ("tempo", "mode")}
    assert songs.missing(songs.START) == []
    assert songs.missing(known) == [
        "Tempo, BPM of this track is missing: 124.0 is used.",
        "mode of this track is missing: True is used.",
    ]


def test_names_that_are_no_inputs_are_ignored_and_named():
    assert songs.parsed('{"energy": 0.5, "id": "x", "uri": "y"}') == (
        {"energy": 0.5},
        ["id", "uri"],
    )
