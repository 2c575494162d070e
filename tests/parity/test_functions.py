"""The typed functions, on both backends."""

import math

import duckdb
import pytest

from models_py.tasks import TASKS

SONG = "120, 50, 50, 50, 10, 0, 10, 5"
RELEASED_SONG = f"{SONG}, 'Minor', 2, date '2023-01-06'"
TRACK = "0.5, 0.6, 0.7, 120"
SOUND = "0.5, 0.6, -7, 0.05, 0.1, 0, 0.1, 0.7, 120, 200000"
TIER_TRACK = f"{SOUND}, false, true, ['pop']"
POPULAR_TRACK = f"{SOUND}, false, 5, 1, 4, true, ['pop']"
# For each typed function: valid arguments, and the table whose rows it takes.
FUNCTIONS = {
    "predict_hit": (TRACK, "dim_tracks"),
    "predict_log_streams": (SONG, "dim_songs"),
    "predict_streams": (SONG, "dim_songs"),
    "predict_log_streams_context": (RELEASED_SONG, "dim_songs"),
    "predict_tier": (TIER_TRACK, "dim_tracks"),
    "predict_tier_proba": (TIER_TRACK, "dim_tracks"),
    "predict_popularity": (POPULAR_TRACK, "dim_tracks"),
}
CHECKS = {
    f"check_{name}": FUNCTIONS[f"predict_{name}"]
    for name in ("hit", "log_streams", "log_streams_context", "tier", "popularity")
}
BY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS | CHECKS)


def one(connection, expression):
    return connection.execute(f"select {expression}").fetchall()[0][0]


def argument_names(connection, function):
    """The argument names of the form that does not take a row."""
    ((names,),) = connection.execute(
        "select arg_max(parameters, len(parameters)) from duckdb_functions() "
        f"where function_name = '{function}' and database_name = current_database()"
    ).fetchall()
    return names


@BY_FUNCTION
def test_arguments_by_name_and_by_position_agree(connection, function):
    arguments, _ = (FUNCTIONS | CHECKS)[function]
    values = arguments.split(", ")
    names = argument_names(connection, function)
    named = ", ".join(f"{name} := {value}" for name, value in zip(names, values, strict=True))
    answer = one(connection, f"{function}({arguments})")
    assert answer is not None
    assert one(connection, f"{function}({named})") == answer


@BY_FUNCTION
def test_a_row_argument_provides_inputs_by_column_name(connection, function):
    _, table = (FUNCTIONS | CHECKS)[function]
    names = ", ".join(argument_names(connection, function))
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
        (
            "log_streams_context",
            "predict_log_streams_context",
            "fct_song_predictions",
            "dim_songs",
            "song_id",
        ),
        ("popularity", "predict_popularity", "fct_track_predictions", "dim_tracks", "track_id"),
    ],
)
def test_stored_predictions_equal_those_of_the_function(
    connection, stored, function, facts, entities, key
):
    rows = connection.execute(
        f"select facts.{stored}, {function}(t) from {facts} as facts "
        f"inner join {entities} t on facts.{key} = t.{key}"
    ).fetchall()
    scored = [row for row in rows if row != (None, None)]
    assert len(scored) > 900
    # 2e-6 of a logarithm of 20 is 4e-5 of its exponential; popularity is 33 on average.
    expected = pytest.approx([row[0] for row in scored], rel=1e-4, abs=1e-4)
    assert [row[1] for row in scored] == expected


def test_stored_tiers_equal_those_of_the_function(connection):
    ((rows, differing),) = connection.execute(
        "select count(predicted.tier), "
        "count(*) filter (predicted.tier is distinct from predict_tier(t)) "
        "from fct_track_predictions as predicted inner join dim_tracks t using (track_id)"
    ).fetchall()
    assert rows > 900
    assert differing == 0


def test_a_tier_is_the_most_probable_one(connection):
    rows = connection.execute("select predict_tier(t), predict_tier_proba(t) from dim_tracks t")
    scored = [row for row in rows.fetchall() if row != (None, None)]
    assert len(scored) > 900
    assert {tier for tier, _ in scored} >= {"Flop", "Mid", "Hit"}
    for tier, chances in scored:
        assert tier == max(chances, key=chances.get)
        assert sum(chances.values()) == pytest.approx(1, abs=1e-6)


def test_all_candidates_can_be_compared_without_naming_them(connection):
    rows = connection.execute(
        f"select algorithm, predict_popularity_by(algorithm, {POPULAR_TRACK}) "
        "from ml.served_models where task = 'popularity' and is_newest order by algorithm"
    ).fetchall()
    assert [name for name, _ in rows] == ["hybrid", "mlp", "ridge", "xgboost"]
    for name, answer in rows:
        assert answer == one(connection, f"predict_popularity_by('{name}', {POPULAR_TRACK})")


@pytest.mark.parametrize(
    ("genres", "same_as"), [("['pop', 'zork']", "['pop']"), ("['zork', null]", "[]")]
)
def test_an_unknown_genre_counts_as_none(connection, genres, same_as):
    unknown, known = (POPULAR_TRACK.replace("['pop']", each) for each in (genres, same_as))
    answer = one(connection, f"predict_popularity({unknown})")
    assert answer is not None
    assert answer == one(connection, f"predict_popularity({known})")


def test_strings_of_a_group_are_encoded_as_the_list_of_numbers_is(connection):
    differing = connection.execute(
        "with models as (select model_id, len(inputs) as width, list_transform(list_filter("
        "inputs, lambda input: contains(input.name, '=')), lambda input: "
        "split_part(input.name, '=', 2)) as known "
        "from ml.served_models where task = 'popularity'), "
        "songs as (select encode_popularity(t) as features, t.genres from dim_tracks t limit 500) "
        "select count(*), count(case when onnx_predict(model_id, features) is distinct from "
        "onnx_predict(model_id, features[:width - len(known)], genres || [null, 'polka'], "
        "array_to_string(known, ';')) then 1 end) from models cross join songs"
    ).fetchall()[0]
    assert differing[0] >= 1000
    assert differing[1] == 0


@pytest.mark.parametrize("numbers", ["[1.0]", "[]", "list_value(null, 1.0)"])
def test_a_wrong_number_of_inputs_before_a_group_is_refused(connection, numbers):
    query = "select model_id, len(inputs) from ml.served_models where task = 'popularity' limit 1"
    model_id, width = connection.execute(query).fetchall()[0]
    with pytest.raises(duckdb.Error, match=f"takes {width} features, got"):
        one(connection, f"onnx_predict('{model_id}', {numbers}, ['pop'], 'pop')")


def test_a_null_list_of_genres_gives_null(connection):
    arguments = TIER_TRACK.replace("['pop']", "null")
    assert one(connection, f"predict_tier({arguments})") is None
    assert one(connection, f"predict_tier_proba({arguments})") is None
    assert one(connection, f"check_tier({arguments})") == ["genres is missing"]


def test_check_names_unknown_genres(connection):
    arguments = TIER_TRACK.replace("['pop']", "['zork', 'pop', null]")
    assert one(connection, f"check_tier({arguments})") == [
        "genres: zork is not known and counts as none",
        "genres: NULL is not known and counts as none",
    ]


def test_an_unreleased_song_has_age_0(connection):
    future = RELEASED_SONG.replace("2023-01-06", "2023-07-31")
    today = RELEASED_SONG.replace("2023-01-06", "2023-07-15")
    answer = one(connection, f"predict_log_streams_context({future})")
    assert answer is not None
    assert answer == one(connection, f"predict_log_streams_context({today})")


def test_streams_are_the_exponential_of_log_streams(connection):
    log_streams = one(connection, f"predict_log_streams({SONG})")
    assert one(connection, f"predict_streams({SONG})") == pytest.approx(math.expm1(log_streams))


def test_the_algorithm_of_the_champion_gives_its_answers(connection):
    for task in TASKS:
        arguments, _ = FUNCTIONS[f"predict_{task}"]
        algorithm = one(
            connection,
            "algorithm from ml.model_versions inner join ml.champions using (model_id) "
            f"where champions.task = '{task}'",
        )
        by_name = one(connection, f"predict_{task}_by('{algorithm}', {arguments})")
        assert by_name == one(connection, f"predict_{task}({arguments})")


@pytest.mark.parametrize("bad", ["null", "'nan'::double", "'inf'::double", "1e300", "0"])
def test_a_bad_value_gives_null_and_does_not_affect_other_rows(connection, bad):
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


def test_a_decimal_literal_equals_its_double(connection):
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
