"""The same sample on both targets gives the same tables, models, champions and answers."""

import json

import duckdb
import pytest

import udfs
from tests.snowflake import tables

pytestmark = pytest.mark.slow

# Columns that may differ: times and durations, hashes of numbers that each warehouse formats its
# own way, and fingerprints, which include the types of a warehouse.
OWN = {
    *("promoted_at", "predicted_at", "trained_at", "pruned_at", "train_seconds"),
    *("run_id", "started_at", "profiled_at"),
    *("inputs_hash", "feature_fingerprint", "fingerprint", "content"),
}
# Columns of models for the SQL backend in DuckDB; Snowflake has the models as files on a stage.
SQL_BACKEND_COLUMNS = {
    *("kind", "transform", "layers", "intercepts", "depth", "roots", "features", "thresholds"),
    *("next", "leaves"),
}
# It has each track as in the file; base_mpd__playlist_tracks has the fields.
LEFT_OUT = {
    "served_models": SQL_BACKEND_COLUMNS,
    "models_to_serve": SQL_BACKEND_COLUMNS,
    "base_mpd__slices": {"track"},
    "slices": {"path"},
    "profiles": {"reference"},  # fingerprints depend on the reader
    "stg_raw__slices": {"path"},  # a property of the machine
}
# Tables of DuckDB only, tables that name such tables, and values that other tables have with a key.
DUCKDB_ONLY = {
    *("explanation_plans", "example_values", "runs", "observed_values"),
    *("function_definitions", "stamps", "stamped_functions"),
}
DUCKDB_FUNCTIONS = {
    "onnx_explain_plan",
    "onnx_predict_net",
    "onnx_predict_steps",
    "onnx_predict_trees_3",
    "onnx_predict_trees_6",
}
TABLES = """
    select schema_name, table_name from duckdb_tables() where database_name = current_database()
    union all
    select schema_name, view_name from duckdb_views()
    where database_name = current_database() and not internal
"""


def found(cursor, result, name: str) -> list[dict]:
    left_out = OWN | LEFT_OUT.get(name, set()) | {"onnx", "portable"}
    rows = tables.rows([column[0] for column in cursor.description], result)
    kept = [{key: row[key] for key in sorted(row) if key not in left_out} for row in rows]
    return sorted(kept, key=tables.order)


def columns_of(cursor) -> set[str]:
    return {column[0].lower() for column in cursor.description}


def test_every_table_is_equal_on_both_targets(built, sql_backend):
    compared = []
    with built.connect() as connection:
        for schema, name in sorted(sql_backend.execute(TABLES).fetchall()):
            if name in DUCKDB_ONLY:
                continue
            cursor = connection.cursor()
            there = "emulated" if schema == "main" else schema
            cursor.execute(f"select * from {there}.{name}")
            snowflake = found(cursor, cursor.fetchall(), name)
            here = sql_backend.execute(f"select * from {schema}.{name}")
            names = columns_of(here)
            duck = found(here, here.fetchall(), name)
            assert columns_of(cursor) == names, name
            assert len(snowflake) == len(duck), name
            for one, other in zip(snowflake, duck, strict=True):
                different = [key for key in one if not tables.is_close(one[key], other[key], key)]
                assert not different, (name, different, one, other)
            compared.append(name)
    assert len(compared) > 65
    assert {"fct_track_predictions", "champions", "dim_tracks", "base_mpd__slices"} <= {*compared}


def test_a_run_stores_its_results_in_snowflake(built, sql_backend):
    absent = ", ".join(f"'function.{name}'" for name in DUCKDB_FUNCTIONS)
    query = (
        "select count(*) from ml.runs where command = 'build' and layer = '{}' "
        f"and node not in ({absent})"
    )
    for layer in ("staging", "marts", "training", "function"):
        ((here,),) = sql_backend.execute(query.format(layer)).fetchall()
        assert built.query(query.format(layer)) == [(here,)]
        assert here > 0
    assert built.query("select count(*) from ml.runs where status in ('error', 'fail')") == [(0,)]
    rows = built.query("select row_count from ml.runs where node = 'model.dim_tracks'")
    assert rows == built.query("select count(*) from dim_tracks")


def test_no_model_was_pruned(built):
    assert built.query("select count(*) from ml.registry where pruned_at is not null") == [(0,)]


AUDIO = (
    "danceability, energy, loudness, speechiness, acousticness, instrumentalness, liveness, "
    "valence, tempo"
)
TIER = f"{AUDIO}, duration_ms, explicit, is_single, genres"
SONG = f"{AUDIO}, duration_ms, explicit, key, mode, time_signature, is_single, genres"
HIT = "danceability, energy, valence, tempo"
URIS = "['spotify:track:' || track_id]"
ID = "(select model_id from ml.champions where task = '{}')"
BOUNDS = "[0, 0, -60, 0, 0, 0, 0, 0, 60], [1, 1, 0, 1, 1, 1, 1, 1, 220]"
REACH = "[0.1, 0.1, 5, 0.1, 0.1, 0.1, 0.1, 0.1, 20]"
EVALUATOR = "(select model_id from ml.served_models where algorithm = 'judge')"
OF_TRACKS = [
    f"predict_hit({HIT})",
    f"predict_hit_by('xgboost', {HIT})",
    "check_hit(danceability, energy, valence, 5000)",
    "check_hit(null, energy, valence, tempo)",
    f"encode_hit({HIT})",
    f"onnx_predict({ID.format('hit')}, encode_hit({HIT}))",
    f"check_features({ID.format('hit')}, encode_hit({HIT}))",
    f"predict_tier({TIER})",
    f"predict_tier_by('random_forest', {TIER})",
    f"predict_tier_proba({TIER})",
    f"check_tier({AUDIO}, duration_ms, explicit, is_single, ['no such genre'])",
    f"encode_tier({TIER})",
    f"predict_popularity({SONG})",
    f"predict_popularity_by('mlp', {SONG})",
    f"check_popularity({SONG})",
    f"encode_popularity({SONG})",
    f"optimize_song({SONG})",
    f"optimize_song({SONG}, ['energy', 'tempo'], 0.1, 1, 0.5)",
    f"describe_changes(optimize_song({SONG}))",
    f"onnx_optimize_song({ID.format('song_optimization')}, {EVALUATOR}, encode_popularity({SONG}), "
    f"{BOUNDS}, {REACH}, 2, 0.1, 30)",
    f"explain_hit({HIT})",
    f"explain_tier({TIER})",
    f"explain_popularity({SONG})",
    f"onnx_explain('hit', {ID.format('hit')}, encode_hit({HIT}), null)",
    f"next_songs({URIS}, 3)",
    f"next_song_score({URIS}, 'spotify:track:' || track_id)",
    f"onnx_next_songs({ID.format('next_song')}, {URIS}, ['workout'], 3)",
    f"onnx_next_song_score({ID.format('next_song')}, {URIS}, 'spotify:track:' || track_id)",
    "next_songs_for_title('Summer in ' || track_name, 3)",
    "track_vector('spotify:track:' || track_id)",
    f"onnx_track_vector({ID.format('next_song')}, 'spotify:track:' || track_id)",
    "assigned_model('hit', track_id)",
    "assigned_model('no such task', track_id)",
]
CHART = (
    "bpm, danceability_pct, valence_pct, energy_pct, acousticness_pct, instrumentalness_pct, "
    "liveness_pct, speechiness_pct"
)
CONTEXT = f"{CHART}, mode, artist_count, released_on"
OF_SONGS = [
    f"predict_log_streams({CHART})",
    f"predict_log_streams_by('xgboost', {CHART})",
    f"predict_streams({CHART})",
    f"check_log_streams({CHART})",
    f"encode_log_streams({CHART})",
    f"explain_log_streams({CHART})",
    f"predict_log_streams_context({CONTEXT})",
    f"explain_log_streams_context({CONTEXT})",
    f"predict_log_streams_context_by('xgboost', {CONTEXT})",
    f"check_log_streams_context({CONTEXT})",
    f"encode_log_streams_context({CONTEXT})",
]
CALLS = [(call, "track_id", "dim_tracks") for call in OF_TRACKS]
CALLS += [(call, "song_id", "dim_songs") for call in OF_SONGS]


@pytest.mark.parametrize(("call", "key", "table"), CALLS)
def test_a_function_gives_equal_answers_on_both_targets(call, key, table, built, local):
    query = f"select {key}, {call} as answer from {table} order by {key} limit 50"
    with duckdb.connect(local.database, read_only=True) as connection:
        udfs.register(connection)
        expected = [tables.plain(row) for row in connection.execute(query).fetchall()]
    answered = [tables.plain(row) for row in built.query(query)]
    assert len(answered) == 50
    for one, other in zip(answered, expected, strict=True):
        assert tables.is_close(one, other), (one, other)


CONSTANTS = [
    "next_songs_for_playlist(3, 5)",
    "next_songs_for_playlist(-1, 5)",
    "next_songs_for_playlist(playlist => 3, k => 20, per_artist => 1)",
    "next_songs_for_playlist(playlist => 3, k => 20, allow_other_versions => true)",
    "next_songs_for_title(title => 'summer', k => 9, exclude => ['spotify:track:none', null])",
    "next_songs_for_title(title => 'summer', k => 9, among => ['spotify:track:none'])",
    "next_songs_for_title(title => 'summer', k => 9, among => null)",
    "check_next_songs(['spotify:track:none', null])",
    "check_next_songs([])",
    "predict_streams(120, 70, 60, 80, 10, 0, 20, 5)",
    "predict_log_streams_context(120, 70, 60, 80, 10, 0, 20, 5, 'Major', 1, date '2020-01-01')",
    "predict_hit(null, 0.5, 0.5, 120)",
    "predict_hit(0.5, 0.5, 0.5, 0)",
    "check_log_streams(120, 70, 60, 80, 10, 0, 20, 5)",
]


@pytest.mark.parametrize("call", CONSTANTS)
def test_a_call_with_constants_gives_equal_answers_on_both_targets(call, built, local):
    with duckdb.connect(local.database, read_only=True) as connection:
        udfs.register(connection)
        ((expected,),) = connection.execute(f"select {call}").fetchall()
    ((answered,),) = built.query(f"select {call}")
    assert tables.is_close(tables.plain(answered), tables.plain(expected))


def test_every_function_is_called_by_these_tests(local):
    manifest = json.loads((local.folder / "target" / "manifest.json").read_text())
    asked = [*OF_TRACKS, *OF_SONGS, *CONSTANTS, "similar_tracks("]
    names = {node["name"] for node in manifest["functions"].values()} - DUCKDB_FUNCTIONS
    assert names == {name for name in names if any(f"{name}(" in call for call in asked)}


def test_similar_tracks_are_equal_on_both_targets(built, local, sql_backend):
    ((track,),) = sql_backend.execute(
        "select track_uri from features.feat_next_song_tracks order by track_number limit 1"
    ).fetchall()
    call = f"select similar_tracks('{track}', 5)"
    ((expected,),) = sql_backend.execute(call).fetchall()
    ((answered,),) = built.query(call)
    assert tables.is_close(tables.plain(answered), tables.plain(expected))
    assert built.query("select similar_tracks('spotify:track:none', 5)") == [(None,)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("onnx_predict('none', [1.0])", "no model none is served here"),
        ("predict_hit_by('magic', 0.5, 0.5, 0.5, 120)", "task hit has no model by magic"),
        ("similar_tracks('spotify:track:none', 101)", "k is 101: give 1 to 100"),
        ("next_songs(['spotify:track:none'], 0)", "k is 0: give 1 to 500"),
    ],
)
def test_a_bad_call_says_what_is_wrong(call, message, built):
    with pytest.raises(Exception, match=message):
        built.query(f"select {call}")


def test_a_second_build_trains_nothing(built):
    versions = built.query("select task, algorithm, version from ml.model_versions order by 1, 2")
    built.dbt("build", "--select", "path:dbt_project/models/training", "base_mpd__slices+1")
    after = built.query("select task, algorithm, version from ml.model_versions order by 1, 2")
    assert after == versions


def test_promote_and_rollback_recreate_the_functions(built):
    call = "select predict_hit(0.5, 0.5, 0.5, 120)"
    ((before,),) = built.query(call)
    ((champion,),) = built.query("select model_id from ml.champions where task = 'hit'")
    ((other,),) = built.query(
        "select max(model_id) from ml.model_versions "
        f"where task = 'hit' and model_id <> '{champion}'"
    )
    ((expected,),) = built.query(
        f"select onnx_predict('{other}', encode_hit(0.5, 0.5, 0.5, 120))[1]"
    )
    arguments = json.dumps({"task": "hit", "model_id": other})
    built.dbt("run-operation", "promote", "--args", arguments)
    ((promoted,),) = built.query(call)
    assert float(promoted) == pytest.approx(float(expected)) != before
    built.dbt("run-operation", "rollback", "--args", "{task: hit}")
    assert built.query(call) == [(before,)]
    built.dbt("run-operation", "unpin", "--args", "{task: hit}")
    built.dbt("run-operation", "pin", "--args", "{task: tier}")
    pinned = built.query("select task from ml.champions where is_pinned")
    assert pinned == [("tier",)]
    built.dbt("run-operation", "unpin", "--args", "{task: tier}")


def test_drift_is_reported_in_snowflake(built):
    far = "row_count = row_count {} 100000 where task = 'hit' and name = 'energy' and bin = 1"
    ((other,),) = built.query(
        "select min(model_id) from ml.model_versions where task = 'hit' and model_id not in "
        "(select model_id from ml.champions)"
    )
    built.query("update ml.profiles set " + far.format("+"))
    built.query(
        "insert into ml.promotions select dateadd('day', 1, max(promoted_at)), 'hit', "
        f"'{other}', 'tomorrow', false, false from ml.promotions"
    )
    reports = ("build", "--select", "rpt_feature_drift", "rpt_source_drift")
    built.dbt(*reports, check=False)
    drifted = "select task, feature, level from emulated.rpt_source_drift where level <> 'none'"
    assert built.query(drifted) == [("hit", "energy", "error")]
    ((message,),) = built.query(
        "select message from ml.runs where node = 'test.no_feature_drifts_far' and status = 'fail'"
    )
    assert ", such as task hit, feature energy, psi " in message
    built.query("update ml.profiles set " + far.format("-"))
    built.query("delete from ml.promotions where reason = 'tomorrow'")
    built.dbt(*reports)
    assert built.query(drifted) == []


def test_prune_drops_the_graph_of_an_unused_model(built, tmp_path):
    (tmp_path / "older.onnx").write_bytes(b"a graph")
    built.query(f"put 'file://{tmp_path}/older.onnx' @ml.models auto_compress = false")
    built.query(
        "insert into ml.train_hit select * replace ('older' as model_id, 0 as version) "
        "from ml.train_hit where algorithm = 'xgboost' and version = 1"
    )

    def graphs() -> set[str]:
        return {row[0].split("/")[-1] for row in built.query("list @ml.models")}

    before = graphs()
    assert "older.onnx" in before
    for _ in range(2):  # running it twice is harmless
        built.dbt("run-operation", "prune", "--args", "{keep: 1}")
        assert graphs() == before - {"older.onnx"}
    pruned = "select model_id from ml.registry where pruned_at is not null"
    assert built.query(pruned) == [("older",)]
    assert built.query("select predict_hit(0.5, 0.5, 0.5, 120) is not null") == [(True,)]


def test_a_build_before_loading_names_the_next_step(emulator):
    result = emulator.dbt("build", check=False, EMULATED_DATABASE="nothing")
    assert result.returncode
    assert "the load into database nothing is missing or incomplete" in result.stdout
    assert "run `hitparade load`" in result.stdout
