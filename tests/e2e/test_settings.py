"""Every function and view gives the same answers under every setting of a session."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import udfs

TRACKS = "(from dim_tracks order by md5(pair_key) asc nulls last limit 40) as t"
SONGS = "(from dim_songs order by md5(pair_key) asc nulls last limit 40) as t"
FEW = "(from dim_tracks order by md5(pair_key) asc nulls last limit 2) as t"
URIS = "(select list(track_uri order by track_uri asc nulls last)[:7] from fct_track_vectors)"
CHAMPION = "(select max(model_id) from ml.champions where task = '{}')"
# Functions that are called otherwise than by row.
CALLS = {
    "assigned_model": f"select assigned_model('hit', t.track_id) from {TRACKS}",
    "check_features": (
        f"select check_features({CHAMPION.format('tier')}, encode_tier(t)) from {TRACKS}"
    ),
    "check_next_songs": f"select check_next_songs(list_append({URIS}, 'spotify:track:none'))",
    "describe_changes": f"select describe_changes(optimize_song(t)) from {FEW}",
    "next_song_score": f"select next_song_score({URIS}, {URIS}[7])",
    "next_songs": f"select next_songs({URIS}, 20)",
    "next_songs_for_playlist": (
        "select next_songs_for_playlist(playlist_id, 10) "
        "from (from staging.stg_mpd__playlists order by playlist_id asc nulls last limit 9)"
    ),
    "next_songs_for_title": "select next_songs_for_title('Rock Party', 10)",
    "onnx_explain": (
        f"select onnx_explain('hit', {CHAMPION.format('hit')}, encode_hit(t), null) from {FEW}"
    ),
    "onnx_explain_plan": (
        f"select onnx_explain_plan(plan_id, {CHAMPION.format('hit')}, encode_hit(t), 1) "
        f"from features.int_explanation_plans, {FEW} where task = 'hit'"
    ),
    "onnx_next_song_score": (
        f"select onnx_next_song_score({CHAMPION.format('next_song')}, {URIS}, {URIS}[7])"
    ),
    "onnx_next_songs": f"select onnx_next_songs({CHAMPION.format('next_song')}, {URIS}, [], 5)",
    "onnx_optimize_song": (
        f"select onnx_optimize_song({CHAMPION.format('song_optimization')}, (select max(model_id) "
        "from ml.model_versions where task = 'song_optimization' and algorithm = 'judge'), "
        "encode_popularity(t), list_transform(range(9), lambda i: 0.0), "
        "list_transform(range(9), lambda i: 1.0), list_transform(range(9), lambda i: 0.2), "
        f"3, 0.1, 5) from {FEW}"
    ),
    "onnx_predict": f"select onnx_predict({CHAMPION.format('hit')}, encode_hit(t)) from {TRACKS}",
    "optimize_song": f"select optimize_song(t) from {FEW}",
    "onnx_track_vector": f"select onnx_track_vector({CHAMPION.format('next_song')}, {URIS}[1])",
    "similar_tracks": f"select similar_tracks({URIS}[1], 10)",
    "track_vector": f"select track_vector({URIS}[1])",
}
OTHER_VALUES = {
    "default_order": ["DESC"],
    "default_null_order": ["NULLS FIRST", "nulls_first_on_asc_last_on_desc"],
    "default_collation": ["nocase", "noaccent", "nfc", "de"],
    "TimeZone": ["Pacific/Apia", "America/Caracas"],
    "Calendar": ["japanese"],
    "schema": ["staging", "ml"],
    "threads": ["1"],
    "lambda_syntax": ["ENABLE_SINGLE_ARROW"],
    "ordered_aggregate_threshold": ["1"],
    "disabled_optimizers": ["filter_pushdown,expression_rewriter"],
}
# Settings that are irreversible, change what is printed, or cannot change on an open database.
LEFT_OUT = (
    *("allow_", "auto", "disable_database_invalidation", "enable_logging", "enable_profiling"),
    *("errors_as_json", "lock_configuration", "warnings_as_errors"),
)
# The setting that people change most; the others are slow tests.
QUICK = ("default_order",)


def flags() -> dict[str, str]:
    """Every on-or-off setting of this DuckDB, with its other value."""
    query = "select name, value from duckdb_settings() where input_type = 'BOOLEAN' order by all"
    with duckdb.connect() as connection:
        found = connection.execute(query).fetchall()
    return {
        name: "false" if value in ("true", "1") else "true"
        for name, value in found
        if not name.startswith(LEFT_OUT)
    }


def settings() -> Iterator[dict[str, str]]:
    """Settings to try together: those of OTHER_VALUES each for itself, and flags in tens."""
    for name, values in OTHER_VALUES.items():
        yield from ({name: value} for value in values)
    others = flags()
    yield {"integer_division": others.pop("integer_division")}
    names = list(others)
    for start in range(0, len(names), 10):
        yield {name: others[name] for name in names[start : start + 10]}


def calls(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """A query for each persisted function."""
    query = """
        select function_name, any_value(parameters) filter (where parameters[-1] = 't')
        from duckdb_functions()
        where function_type = 'macro' and not internal and database_name = current_database()
        group by all
        order by all
    """
    found = dict(CALLS)
    for name, parameters in connection.execute(query).fetchall():
        if name in CALLS:
            continue
        assert parameters, f"{name} has no form by row: add a call to CALLS"
        rows = SONGS if "streams" in name else FEW if name.startswith("explain") else TRACKS
        algorithm = "'xgboost', " if len(parameters) > 1 else ""
        found[name] = f"select {name}({algorithm}t) from {rows}"
    return found


def views(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """A query for each view."""
    query = (
        "select schema_name || '.' || view_name from duckdb_views() "
        "where not internal and database_name = current_database() order by all"
    )
    return {name: f"from {name}" for (name,) in connection.execute(query).fetchall()}


def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str] | str]:
    """What each function and view answers: rows in no order, or an error."""
    found: dict[str, list[str] | str] = {}
    for name, query in (calls(connection) | views(connection)).items():
        try:
            found[name] = sorted(map(repr, connection.execute(query).fetchall()))
        except duckdb.Error as error:
            found[name] = "no SQL form" if "has no SQL form" in str(error) else str(error)
    return found


@pytest.fixture(scope="module", params=["sql_backend", "onnx_runtime"])
def backend(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def own(warehouse_with_playlists, tmp_path_factory) -> Path:
    """A copy, because some settings are those of all connections to a file."""
    copied = tmp_path_factory.mktemp("settings") / "warehouse.duckdb"
    return Path(shutil.copy(warehouse_with_playlists.database, copied))


@contextmanager
def opened(database: Path, backend: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database that no other connection has open."""
    with duckdb.connect(database, read_only=True) as connection:
        if backend == "onnx_runtime":
            udfs.register(connection)
        yield connection


@pytest.fixture(scope="module")
def plain(own, backend) -> dict[str, list[str] | str]:
    with opened(own, backend) as connection:
        return answers(connection)


def test_every_function_answers_or_has_no_sql_form(plain, backend):
    failed = {name: rows for name, rows in plain.items() if isinstance(rows, str)}
    assert {*failed.values()} <= ({"no SQL form"} if backend == "sql_backend" else set())
    assert sum(len(rows) for name, rows in plain.items() if name not in failed) > 1_000


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(one, marks=() if {*one} & {*QUICK} else pytest.mark.slow, id=str(one)[:60])
        for one in settings()
    ],
)
def test_settings_change_no_answer(changed, plain, backend, own):
    with opened(own, backend) as connection:
        for name, value in changed.items():
            connection.execute(f"set {name} = '{value}'")
        found = answers(connection)
    assert {key: rows for key, rows in found.items() if rows != plain[key]} == {}
