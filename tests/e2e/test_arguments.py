"""Arguments in the forms that people write: the right answer, or a sentence with the next step."""

import duckdb
import pytest

SONG = (
    "danceability := 0.7, energy := 0.8, loudness := -5, speechiness := 0.05, acousticness := 0.1, "
    "instrumentalness := 0, liveness := 0.1, valence := 0.5, tempo := 120, duration_ms := 200000, "
    "explicit := false, is_single := false, genres := {}"
)
CONTEXT = "120, 70, 50, 80, 10, 0, 10, 5, {}, 1, date '2023-01-01'"
TRACK = "(select min(track_uri) from fct_track_vectors)"
# A call, the argument as it is declared, and other forms of the same value.
SAME = [
    (f"predict_tier({SONG})", "['pop']", ["'pop'", "' pop ;'", "['pop', 'unheard']"]),
    (f"check_tier({SONG})", "['pop', 'rock', 'x']", ["'pop; rock;;x'", "'[pop, rock, x]'"]),
    (f"predict_tier({SONG})", "cast(null as varchar[])", ["cast(null as varchar)", "null"]),
    (
        f"predict_log_streams_context({CONTEXT})",
        "'Major'",
        ["' MAJOR'", "1", "1.0", "1.0::double", "true", "'1'"],
    ),
    (f"predict_log_streams_context({CONTEXT})", "'Minor'", ["0", "false", "'minor'"]),
    (f"check_log_streams_context({CONTEXT})", "'Major'", ["1", "true"]),
]
FIRST = "(select t from dim_tracks as t order by track_id limit 1)"
ONLY_IN_ONNX_RUNTIME = [
    (
        f"optimize_song({FIRST}, max_change := {{}})",
        "0.1",
        ["'0.1'", "0.1::decimal(3, 2)"],
    ),
    ("next_songs_for_title({}, 3)", "'2023'", ["2023"]),
    ("next_songs({}, 3)", f"[{TRACK}]", [TRACK]),
    ("check_next_songs({})", "['spotify:track:none']", ["'spotify:track:none'"]),
    (f"next_song_score({{}}, {TRACK})", "['spotify:track:none']", ["'spotify:track:none'"]),
    (
        f"optimize_song({FIRST}, features := {{}})",
        "['energy', 'tempo']",
        ["'energy; tempo'"],
    ),
]


def forms(cases):
    return [(call, declared, other) for call, declared, others in cases for other in others]


@pytest.mark.parametrize(("call", "declared", "other"), forms(SAME))
def test_another_form_of_an_argument_gives_the_same_answer(connection, call, declared, other):
    query = f"select {call.format(declared)}, {call.format(other)}"
    ((answer, same),) = connection.execute(query).fetchall()
    assert answer == same
    assert (answer is None) == declared.startswith("cast(null")


@pytest.mark.parametrize(("call", "declared", "other"), forms(ONLY_IN_ONNX_RUNTIME))
def test_another_form_of_a_list_or_title_gives_the_same_answer(onnx_runtime, call, declared, other):
    query = f"select {call.format(declared)}, {call.format(other)}"
    ((answer, same),) = onnx_runtime.execute(query).fetchall()
    assert answer == same
    assert answer is not None


@pytest.mark.parametrize("model_id", ["abc def", " ", "task", "it has no blanks"])
def test_an_unknown_model_id_with_a_blank_is_named(connection, model_id):
    with pytest.raises(duckdb.Error, match=f"no model {model_id} is .*: see select model_id, task"):
        connection.execute("select onnx_predict(?, [0.1, 0.2, 0.3, 4])", [model_id]).fetchall()


def test_a_model_is_not_explained_by_the_songs_of_another_task(connection):
    query = (
        "select onnx_explain('tier', (select max(model_id) from ml.champions where task = 'hit'), "
        "[0.7, 0.8, 0.5, 120], null)"
    )
    said = "task tier has no background rows with the inputs of the model: run `hitparade build`"
    with pytest.raises(duckdb.Error, match=said):
        connection.execute(query).fetchall()


def test_a_task_without_a_model_is_named(connection):
    with pytest.raises(duckdb.Error, match="task hit has no model by prophet: see select model_id"):
        connection.execute("select predict_hit_by('prophet', 0.7, 0.8, 0.5, 120)").fetchall()
