"""The typed functions, in both lanes."""

import math

import duckdb
import pytest

SONG = "120, 50, 50, 50, 10, 0, 10, 5"
TRACK = "0.5, 0.6, 0.7, 120"
FUNCTIONS = {"predict_hit": TRACK, "predict_log_streams": SONG, "predict_streams": SONG}
CHECKS = {"check_hit": TRACK, "check_log_streams": SONG}


def one(connection, expression):
    return connection.execute(f"select {expression}").fetchall()[0][0]


@pytest.mark.parametrize(("function", "arguments"), (FUNCTIONS | CHECKS).items())
def test_arguments_by_name_and_by_position_agree(connection, function, arguments):
    names = [
        row[0]
        for row in connection.execute(
            "select unnest(parameters) from duckdb_functions() "
            f"where function_name = '{function}' and database_name = current_database() "
            "order by len(parameters) desc"
        ).fetchall()
    ][: len(arguments.split(","))]
    named = ", ".join(
        f"{name} := {value}" for name, value in zip(names, arguments.split(","), strict=True)
    )
    assert one(connection, f"{function}({named})") == one(connection, f"{function}({arguments})")


@pytest.mark.parametrize(
    ("function", "table"),
    [
        ("predict_hit", "dim_tracks"),
        ("predict_log_streams", "dim_songs"),
        ("predict_streams", "dim_songs"),
        ("check_hit", "dim_tracks"),
        ("check_log_streams", "dim_songs"),
    ],
)
def test_the_row_form_finds_its_inputs_by_name(connection, function, table):
    names = "danceability, energy, valence, tempo"
    if table == "dim_songs":
        names = (
            "bpm, danceability_pct, valence_pct, energy_pct, acousticness_pct, "
            "instrumentalness_pct, liveness_pct, speechiness_pct"
        )
    differing = connection.execute(
        f"select count(*), count(*) filter ({function}(t) is distinct from {function}({names})) "
        f"from {table} t"
    ).fetchall()
    assert differing[0][0] > 900
    assert differing[0][1] == 0


@pytest.mark.parametrize(
    ("stored", "function", "facts", "entities", "key"),
    [
        ("hit_probability", "predict_hit", "fct_track_predictions", "dim_tracks", "track_id"),
        ("log_streams", "predict_log_streams", "fct_song_predictions", "dim_songs", "song_id"),
        ("streams", "predict_streams", "fct_song_predictions", "dim_songs", "song_id"),
    ],
)
def test_stored_predictions_are_what_the_function_says(
    connection, stored, function, facts, entities, key
):
    rows = connection.execute(
        f"select facts.{stored}, {function}(t) from {facts} as facts "
        f"inner join {entities} t on facts.{key} = t.{key}"
    ).fetchall()
    scored = [row for row in rows if row != (None, None)]
    assert len(scored) > 900
    # 2e-6 of a logarithm of 20 is 4e-5 of what it is the logarithm of.
    assert [row[1] for row in scored] == pytest.approx([row[0] for row in scored], rel=1e-4)


def test_streams_are_the_exponential_of_log_streams(connection):
    log_streams = one(connection, f"predict_log_streams({SONG})")
    assert one(connection, f"predict_streams({SONG})") == pytest.approx(math.expm1(log_streams))


def test_by_algorithm_the_champion_answers_as_itself(connection):
    for task, arguments in (("hit", TRACK), ("log_streams", SONG)):
        algorithm = one(
            connection,
            "algorithm from ml.model_versions inner join ml.champions using (model_id) "
            f"where champions.task = '{task}'",
        )
        by_name = one(connection, f"predict_{task}_by('{algorithm}', {arguments})")
        assert by_name == one(connection, f"predict_{task}({arguments})")


@pytest.mark.parametrize("bad", ["null", "'nan'::double", "'inf'::double", "1e300", "0"])
def test_a_bad_value_gives_null_and_hides_no_other_row(connection, bad):
    rows = connection.execute(
        "select predict_hit(0.5, 0.6, 0.7, x) is null "
        f"from (values (120::double), ({bad}), (90)) v(x)"
    ).fetchall()
    assert rows == [(False,), (True,), (False,)]


def test_a_value_outside_the_training_range_is_scored(connection):
    assert 0 <= one(connection, "predict_hit(0.5, 0.6, 7, 120)") <= 1


def test_an_unknown_algorithm_is_an_error(connection):
    with pytest.raises(duckdb.Error, match="task hit has no model by prophet: see"):
        one(connection, f"predict_hit_by('prophet', {TRACK})")


@pytest.mark.parametrize(
    ("arguments", "findings"),
    [
        (TRACK, []),
        ("null, 0.6, 0.7, 120", ["danceability is missing"]),
        ("0.5, 'nan'::double, 0.7, 0", ["energy is not a finite number", "tempo is missing"]),
    ],
)
def test_check_says_what_is_wrong(connection, arguments, findings):
    assert one(connection, f"check_hit({arguments})") == findings


def test_check_names_the_range_seen_in_training(connection):
    low, high = connection.execute(
        "select input.minimum, input.maximum from (select unnest(inputs) as input "
        "from ml.model_versions inner join ml.champions using (model_id) "
        "where champions.task = 'hit') where input.name = 'energy'"
    ).fetchall()[0]
    (finding,) = one(connection, "check_hit(0.5, 7, 0.7, 120)")
    assert finding.startswith("energy is 7.0, outside the range seen in training, ")
    seen = finding.rsplit(", ", 1)[1].split(" to ")
    assert [float(text) for text in seen] == pytest.approx([low, high], rel=1e-6)


def test_a_decimal_literal_is_the_double_it_names(connection):
    assert one(connection, "predict_hit(0.337, 0.6, 0.7, 120)") == one(
        connection, "predict_hit('0.337'::double, 0.6e0, 0.7e0, 120)"
    )


def test_every_function_is_described(connection):
    rows = connection.execute(
        "select function_name, comment from duckdb_functions() "
        "where database_name = current_database() and schema_name = 'main'"
    ).fetchall()
    assert {name for name, _ in rows} >= {*FUNCTIONS, *CHECKS, "onnx_predict", "predict_hit_by"}
    assert [name for name, comment in rows if not comment] == []


def test_predictions_can_order_a_window(connection):
    ranks = connection.execute(
        "select rank() over (order by predict_hit(t) desc) from dim_tracks t order by 1 limit 3"
    ).fetchall()
    assert ranks[0] == (1,)
