"""Every query of the query book runs on both backends and returns the shape it states."""

import re
from pathlib import Path

import duckdb
import pytest

QUERIES = sorted((Path(__file__).resolve().parents[2] / "sql").glob("*.sql"))


# These queries find no track in the small sample and run on the default one.
IN_SLOW = {"best_energy_and_tempo_of_a_genre"}
CASES = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in IN_SLOW else [])
    for path in QUERIES
]


def shape(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the number of rows and the (name, type) of each column that the comment states."""
    comment = " ".join(re.findall(r"^-- (.*)$", text, flags=re.M))
    rows, columns = re.search(r"Shape: (.*?): (\w+ [A-Z][^.]*)\.", comment).groups()
    return rows, [tuple(column.split(" ")) for column in columns.split(", ")]


def is_registered(connection) -> bool:
    """Return whether a connection uses the ONNX Runtime backend."""
    query = "select count(*) from duckdb_functions() where function_name = 'onnx_predict_runtime'"
    return connection.execute(query).fetchall() == [(1,)]


@pytest.mark.parametrize("path", CASES)
def test_a_query_returns_the_rows_and_columns_it_states(connection, path, is_quick):
    text = path.read_text()
    rows, columns = shape(text)
    if "optimize_song(" in text and not is_registered(connection):
        with pytest.raises(
            duckdb.Error, match=r"udfs.register\(connection\), or read fct_song_opti"
        ):
            connection.execute(text)
        assert "Needs ONNX Runtime: udfs.register(connection)." in " ".join(text.split("\n-- "))
        return
    result = connection.execute(text)
    assert [(column[0], str(column[1])) for column in result.description] == columns
    answer = result.fetchall()
    if rows[0].isdigit():
        assert len(answer) == int(rows.split(" ")[0])
    elif rows.startswith("up to"):
        assert len(answer) <= int(rows.split(" ")[2])
    # For some queries, the small sample of the quick tier has too few tracks per genre.
    assert answer or is_quick


def test_every_query_begins_with_a_question():
    assert len(QUERIES) >= 16
    for path in QUERIES:
        assert re.match(r"-- .*\?\n", path.read_text()), path.name
