"""A LIMIT around a function, as every BI tool adds it, computes only the rows that are returned."""

import time

import duckdb
import pytest

from tests.e2e.calls import calls, has_no_sql_form

# It looks up the tracks of all playlists first, because a playlist's tracks are rows of a table.
LOOKUPS = {"next_songs_for_playlist"}


def seconds(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    """The shortest of three runs."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        connection.execute(query).fetchall()
        taken.append(time.perf_counter() - start)
    return min(taken)


@pytest.mark.slow
def test_a_limit_around_a_function_takes_as_long_as_one_row(connection):
    ratios = {}
    for name, (expression, relation) in calls(connection).items():
        if name in LOOKUPS:
            continue
        try:
            one = seconds(connection, f"select {expression} from (from {relation.name} limit 1) t")
        except duckdb.Error as error:
            assert has_no_sql_form(error)
            continue
        limited = seconds(connection, f"select {expression} from {relation.name} t limit 1")
        ratios[name] = limited / one
    assert len(ratios) > 30
    # A function that is computed for all rows takes 30 to 1,000 times as long.
    assert {name: ratio for name, ratio in ratios.items() if ratio > 5} == {}
