"""A call of every persisted function for the rows of a relation."""

from typing import NamedTuple

import duckdb

CHAMPION = "(select max(model_id) from ml.champions where task = '{}')"
LINEAR = "(select max(model_id) from ml.served_models where task = 'hit' and kind = 'linear')"
SHALLOW = "(select max(model_id) from ml.served_models where task = 'hit' and depth <= 3)"
BOUNDS = "[0, 0, -60, 0, 0, 0, 0, 0, 60], [1, 1, 0, 1, 1, 1, 1, 1, 220]"
REACH = "[0.1, 0.1, 5, 0.1, 0.1, 0.1, 0.1, 0.1, 20]"
EVALUATOR = "(select max(model_id) from ml.served_models where algorithm = 'judge')"
PLAN = "(select plan_id from ml.explanation_plans where task = 'hit')"
FUNCTIONS = """
    select function_name, any_value(parameters) filter (where parameters[-1] = 't')
    from duckdb_functions()
    where function_type = 'macro' and not internal and database_name = current_database()
    group by all
    order by all
"""


class Relation(NamedTuple):
    """A table whose rows are given to functions, and its key."""

    name: str
    key: str


TRACKS = Relation("main.dim_tracks", "track_id")
SONGS = Relation("main.dim_songs", "song_id")
VECTORS = Relation("main.fct_track_vectors", "track_uri")
PLAYLISTS = Relation("staging.stg_mpd__playlists", "playlist_id")


class Call(NamedTuple):
    """An expression over a row `t` of a relation."""

    expression: str
    relation: Relation

    def query(self, database: str, rows: int) -> str:
        """The answers for some rows of an open database, the same in each session."""
        name, key = self.relation
        order = f"md5({key}::varchar) asc nulls last"
        return (
            f"select {self.expression} "
            f"from (from {database}.{name} order by {order} limit {rows}) as t"
        )


OTHERS = {
    "assigned_model": Call("assigned_model('hit', t.track_id)", TRACKS),
    "check_features": Call(f"check_features({CHAMPION.format('tier')}, encode_tier(t))", TRACKS),
    "check_next_songs": Call("check_next_songs([t.track_uri, 'spotify:track:none'])", VECTORS),
    "describe_changes": Call("describe_changes(optimize_song(t))", TRACKS),
    "next_song_score": Call("next_song_score([t.track_uri], t.track_uri)", VECTORS),
    "next_songs": Call("next_songs([t.track_uri], 10)", VECTORS),
    "next_songs_for_playlist": Call("next_songs_for_playlist(t.playlist_id, 10)", PLAYLISTS),
    "next_songs_for_title": Call("next_songs_for_title(t.title, 10)", PLAYLISTS),
    "onnx_explain": Call(
        f"onnx_explain('hit', {CHAMPION.format('hit')}, encode_hit(t), null)", TRACKS
    ),
    "onnx_explain_plan": Call(
        f"onnx_explain_plan({PLAN}, {CHAMPION.format('hit')}, encode_hit(t), 1)", TRACKS
    ),
    "onnx_next_song_score": Call(
        f"onnx_next_song_score({CHAMPION.format('next_song')}, [t.track_uri], t.track_uri)", VECTORS
    ),
    "onnx_next_songs": Call(
        f"onnx_next_songs({CHAMPION.format('next_song')}, [t.track_uri], [], 5)", VECTORS
    ),
    "onnx_optimize_song": Call(
        f"onnx_optimize_song({CHAMPION.format('song_optimization')}, {EVALUATOR}, "
        f"encode_popularity(t), {BOUNDS}, {REACH}, 3, 0.1, 5)",
        TRACKS,
    ),
    "onnx_predict": Call(f"onnx_predict({CHAMPION.format('hit')}, encode_hit(t))", TRACKS),
    "onnx_predict_net": Call(f"onnx_predict_net({LINEAR}, encode_hit(t))", TRACKS),
    "onnx_predict_steps": Call(f"onnx_predict_steps({LINEAR}, encode_hit(t))", TRACKS),
    "onnx_predict_trees_3": Call(f"onnx_predict_trees_3({SHALLOW}, encode_hit(t))", TRACKS),
    "onnx_predict_trees_6": Call(f"onnx_predict_trees_6({SHALLOW}, encode_hit(t))", TRACKS),
    "onnx_track_vector": Call(
        f"onnx_track_vector({CHAMPION.format('next_song')}, t.track_uri)", VECTORS
    ),
    "optimize_song": Call("optimize_song(t)", TRACKS),
    "similar_tracks": Call("similar_tracks(t.track_uri, 10)", VECTORS),
    "track_vector": Call("track_vector(t.track_uri)", VECTORS),
}


def calls(connection: duckdb.DuckDBPyConnection) -> dict[str, Call]:
    """A call of each persisted function: by row, or as OTHERS says."""
    found = {}
    for name, parameters in connection.execute(FUNCTIONS).fetchall():
        if name not in OTHERS:
            assert parameters, f"{name} has no form by row: add a call to OTHERS"
            algorithm = "'xgboost', " if len(parameters) > 1 else ""
            found[name] = Call(f"{name}({algorithm}t)", SONGS if "streams" in name else TRACKS)
    return found | OTHERS


def has_no_sql_form(error: duckdb.Error) -> bool:
    """Whether a function cannot answer on the SQL backend, and says so."""
    return any(said in str(error) for said in ("has no SQL form", "of this kind is served"))
