"""A LIMIT around a function, as every BI tool adds it, computes only the rows that are returned."""

import time

import duckdb
import pytest

TRACKS, SONGS = "main.dim_tracks", "main.dim_songs"
PLAYLISTS, VECTORS = "staging.stg_mpd__playlists", "main.fct_track_vectors"
CHAMPION = "(select max(model_id) from ml.champions where task = '{}')"
# A call with arguments of a row `t`, and where the rows are. Others are called by row.
CALLS = {
    "assigned_model": ("assigned_model('hit', t.track_id)", TRACKS),
    "check_features": (f"check_features({CHAMPION.format('tier')}, encode_tier(t))", TRACKS),
    "check_next_songs": ("check_next_songs([t.track_uri])", VECTORS),
    "describe_changes": ("describe_changes(optimize_song(t))", TRACKS),
    "next_song_score": ("next_song_score([t.track_uri], t.track_uri)", VECTORS),
    "next_songs": ("next_songs([t.track_uri], 10)", VECTORS),
    "next_songs_for_title": ("next_songs_for_title(t.title, 10)", PLAYLISTS),
    "onnx_explain": (
        f"onnx_explain('hit', {CHAMPION.format('hit')}, encode_hit(t), null)",
        TRACKS,
    ),
    "onnx_predict": (f"onnx_predict({CHAMPION.format('hit')}, encode_hit(t))", TRACKS),
    "optimize_song": ("optimize_song(t)", TRACKS),
    "similar_tracks": ("similar_tracks(t.track_uri, 10)", VECTORS),
    "track_vector": ("track_vector(t.track_uri)", VECTORS),
}
# It looks up the tracks of all playlists first, because a playlist's tracks are rows of a table.
LOOKUPS = {"next_songs_for_playlist"}
# What these do, other functions of CALLS do.
LOW_LEVEL = {
    *("onnx_explain_plan", "onnx_next_song_score", "onnx_next_songs", "onnx_optimize_song"),
    "onnx_track_vector",
}
FUNCTIONS = """
    select function_name, any_value(parameters) filter (where parameters[-1] = 't')
    from duckdb_functions()
    where function_type = 'macro' and not internal and database_name = current_database()
    group by all
    order by all
"""


def calls(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    """A call and a relation for each persisted function."""
    found = dict(CALLS)
    for name, parameters in connection.execute(FUNCTIONS).fetchall():
        if name not in {*CALLS, *LOOKUPS, *LOW_LEVEL}:
            algorithm = "'xgboost', " if len(parameters) > 1 else ""
            found[name] = f"{name}({algorithm}t)", SONGS if "streams" in name else TRACKS
    return found


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
    for name, (call, relation) in calls(connection).items():
        try:
            one = seconds(connection, f"select {call} from (from {relation} limit 1) as t")
        except duckdb.Error as error:
            assert "has no SQL form" in str(error)
            continue
        limited = seconds(connection, f"select {call} from {relation} as t limit 1")
        ratios[name] = limited / one
    assert len(ratios) > 30
    # A function that is computed for all rows takes 30 to 1,000 times as long.
    assert {name: ratio for name, ratio in ratios.items() if ratio > 5} == {}
