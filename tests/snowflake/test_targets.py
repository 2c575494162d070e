"""The same sample through both targets: the same tables, models, champions and answers."""

import json

import duckdb
import pytest

import udfs
from tests.snowflake import tables

# When and how fast it was made is no part of a table, nor are hashes of numbers that each
# warehouse writes in its own way; of a fingerprint, the types of a warehouse are a part.
OWN = {
    *("promoted_at", "predicted_at", "trained_at", "pruned_at", "train_seconds"),
    *("inputs_hash", "feature_fingerprint", "fingerprint", "content"),
}
# What DuckDB has of models for its portable lane, and Snowflake as files on a stage.
PORTABLE = {
    *("kind", "transform", "layers", "intercepts", "depth", "roots", "features", "thresholds"),
    *("next", "leaves"),
}
# A track stands there as it stood in the file; base_mpd__playlist_tracks has its fields.
LEFT_OUT = {
    "served_models": PORTABLE,
    "models_to_serve": PORTABLE,
    "base_mpd__slices": {"track"},
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


def test_every_table_is_the_same(built, portable):
    compared = []
    with built.connect() as connection:
        for schema, name in sorted(portable.execute(TABLES).fetchall()):
            cursor = connection.cursor()
            there = "emulated" if schema == "main" else schema
            cursor.execute(f"select * from {there}.{name}")
            snowflake = found(cursor, cursor.fetchall(), name)
            here = portable.execute(f"select * from {schema}.{name}")
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


def test_no_model_was_pruned(built):
    assert built.query("select count(*) from ml.registry where pruned_at is not null") == [(0,)]


CALLS = [
    "predict_hit(danceability, energy, valence, tempo)",
    "predict_hit_by('xgboost', danceability, energy, valence, tempo)",
    "check_hit(danceability, energy, valence, 5000)",
    "check_hit(null, energy, valence, tempo)",
    "predict_tier(danceability, energy, loudness, speechiness, acousticness, instrumentalness, "
    "liveness, valence, tempo, duration_ms, explicit, is_single, genres)",
    "predict_tier_proba(danceability, energy, loudness, speechiness, acousticness, "
    "instrumentalness, liveness, valence, tempo, duration_ms, explicit, is_single, genres)",
    "check_tier(danceability, energy, loudness, speechiness, acousticness, instrumentalness, "
    "liveness, valence, tempo, duration_ms, explicit, is_single, ['no such genre'])",
    "predict_popularity(danceability, energy, loudness, speechiness, acousticness, "
    "instrumentalness, liveness, valence, tempo, duration_ms, explicit, key, mode, "
    "time_signature, is_single, genres)",
    "encode_popularity(danceability, energy, loudness, speechiness, acousticness, "
    "instrumentalness, liveness, valence, tempo, duration_ms, explicit, key, mode, "
    "time_signature, is_single, genres)",
    "optimize_song(danceability, energy, loudness, speechiness, acousticness, "
    "instrumentalness, liveness, valence, tempo, duration_ms, explicit, key, mode, "
    "time_signature, is_single, genres)",
    "describe_changes(optimize_song(danceability, energy, loudness, speechiness, acousticness, "
    "instrumentalness, liveness, valence, tempo, duration_ms, explicit, key, mode, "
    "time_signature, is_single, genres))",
    "next_songs(['spotify:track:' || track_id], 3)",
    "next_song_score(['spotify:track:' || track_id], 'spotify:track:' || track_id)",
    "next_songs_for_title('Summer in ' || track_name, 3)",
    "track_vector('spotify:track:' || track_id)",
    "assigned_model('hit', track_id)",
    "assigned_model('no such task', track_id)",
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.split("(")[0])
def test_every_function_answers_the_same(call, built, local):
    query = f"select track_id, {call} as answer from dim_tracks order by track_id limit 50"
    with duckdb.connect(local.database, read_only=True) as connection:
        udfs.register(connection)
        expected = [tables.plain(row) for row in connection.execute(query).fetchall()]
    answered = [tables.plain(row) for row in built.query(query)]
    assert len(answered) == 50
    for one, other in zip(answered, expected, strict=True):
        assert tables.is_close(one, other), (one, other)


@pytest.mark.parametrize(
    "call",
    [
        "next_songs_for_playlist(3, 5)",
        "next_songs_for_playlist(-1, 5)",
        "check_next_songs(['spotify:track:none', null])",
        "predict_streams(120, 70, 60, 80, 10, 0, 20, 5)",
        "predict_log_streams_context(120, 70, 60, 80, 10, 0, 20, 5, 'Major', 1, date '2020-01-01')",
        "predict_hit(null, 0.5, 0.5, 120)",
        "predict_hit(0.5, 0.5, 0.5, 0)",
        "check_log_streams(120, 70, 60, 80, 10, 0, 20, 5)",
    ],
)
def test_a_call_with_constants_answers_the_same(call, built, local):
    with duckdb.connect(local.database, read_only=True) as connection:
        udfs.register(connection)
        ((expected,),) = connection.execute(f"select {call}").fetchall()
    ((answered,),) = built.query(f"select {call}")
    assert tables.is_close(tables.plain(answered), tables.plain(expected))


def test_similar_tracks_are_the_same(built, local, portable):
    ((track,),) = portable.execute(
        "select track_uri from features.feat_next_song_tracks order by track_number limit 1"
    ).fetchall()
    call = f"select similar_tracks('{track}', 5)"
    ((expected,),) = portable.execute(call).fetchall()
    ((answered,),) = built.query(call)
    assert tables.is_close(tables.plain(answered), tables.plain(expected))
    assert built.query("select similar_tracks('spotify:track:none', 5)") == [(None,)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("onnx_predict('none', [1.0])", "no model none is in the registry"),
        ("predict_hit_by('magic', 0.5, 0.5, 0.5, 120)", "task hit has no model by magic"),
        ("similar_tracks('spotify:track:none', 101)", "k is 101: give 1 to 100"),
        ("next_songs(['spotify:track:none'], 0)", "k is 0: give 1 to 100"),
    ],
)
def test_a_bad_call_says_what_is_wrong(call, message, built):
    with pytest.raises(Exception, match=message):
        built.query(f"select {call}")


def test_a_second_build_trains_nothing(built):
    versions = built.query("select task, algorithm, version from ml.model_versions order by 1, 2")
    built.dbt("build", "--select", "train_hit+1", "train_next_song", "base_mpd__slices")
    after = built.query("select task, algorithm, version from ml.model_versions order by 1, 2")
    assert after == versions


def test_promote_and_roll_back_make_the_functions_anew(built):
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


def test_without_a_load_the_build_says_what_to_do(emulator):
    result = emulator.dbt("build", check=False, EMULATED_DATABASE="nothing")
    assert result.returncode
    assert "there is no table nothing.raw.playlists" in result.stdout
    assert "run `hitparade load`" in result.stdout
