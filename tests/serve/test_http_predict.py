"""`POST /predict/{function}` gives the answers of the SQL functions."""

import itertools
import json

import duckdb
import pytest

import udfs
from hitparade.serve.worker.texts import plain

ROWS = 200
TRACKS = "(select min(track_uri) from fct_track_vectors)"
SONG = {
    "danceability": 0.7,
    "energy": 0.8,
    "loudness": -5,
    "speechiness": 0.05,
    "acousticness": 0.1,
    "instrumentalness": 0,
    "liveness": 0.1,
    "valence": 0.5,
    "tempo": 120,
    "duration_ms": 200000,
    "explicit": False,
    "key": 1,
    "mode": 1,
    "time_signature": 4,
    "is_single": True,
    "genres": ["pop"],
}
HIT = {name: SONG[name] for name in ("danceability", "energy", "valence", "tempo")}


@pytest.fixture(scope="module")
def opened(warehouse):
    """The same file, opened by this process."""
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        yield connection


@pytest.fixture(scope="module")
def functions(door):
    with door.client() as client:
        return {each["name"]: each for each in client.get("/functions").json()["functions"]}


def asked(http, function, body, **parameters):
    response = http.post(f"/predict/{function}", json=body, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def objects(connection, sql):
    """Rows as a client would send them."""
    connection.execute(sql)
    names = [each[0] for each in connection.description]
    return [dict(zip(names, plain(row), strict=True)) for row in connection.fetchall()]


def near(value):
    """What compares equal to a value with numbers that differ in the last digits."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-5, abs=1e-7)
    if isinstance(value, dict):
        return {key: near(each) for key, each in value.items()}
    return [near(each) for each in value] if isinstance(value, list) else value


def typed(functions):
    """The functions of songs, and the table whose rows each takes."""
    for name, told in functions.items():
        names = {each["name"] for each in told["arguments"]} - {"algorithm"}
        if "danceability" in names and name != "optimize_song":
            yield name, "dim_tracks"
        elif "danceability_pct" in names:
            yield name, "dim_songs"


def test_every_typed_function_answers_as_in_sql(http, opened, functions):
    seen = 0
    for name, table in typed(functions):
        told = functions[name]
        names = [each["name"] for each in told["arguments"]]
        algorithm = max(told["models"], default=None)
        quoted = [
            f"'{algorithm}' as algorithm" if each == "algorithm" else f'"{each}"' for each in names
        ]
        few = 20 if name.startswith(("explain", "check")) else ROWS
        source = f"(select {', '.join(quoted)} from {table} order by all limit {few})"
        rows = objects(opened, f"from {source}")
        given = ", ".join(f'"{each}" := song."{each}"' for each in names)
        right = opened.execute(f"select {name}({given}) from {source} as song").fetchall()
        right = [plain(value) for (value,) in right]
        answer = asked(http, name, rows)
        assert answer["results"] == near(right), name
        assert asked(http, name, {"rows": rows[:3]})["results"] == near(right[:3])
        assert asked(http, name, rows[0])["result"] == near(right[0]), name
        model = told["models"][algorithm] if algorithm else told["model_id"]
        assert answer.get("model_id", answer.get("model_ids", [None])[0]) == model
        seen += 1
    assert seen >= 25


def test_functions_of_playlists_answer_as_in_sql(http, opened):
    uris = [uri for (uri,) in opened.execute(
        "select track_uri from fct_track_vectors order by 1 limit 60"
    ).fetchall()]  # fmt: skip
    ((playlist,),) = opened.execute(
        "select min(playlist_id) from fct_playlist_next_songs"
    ).fetchall()
    cases = {
        "next_songs": [{"track_uris": [uri], "k": 3} for uri in uris],
        "next_song_score": [
            {"track_uris": [uri], "track_uri": other} for uri, other in itertools.pairwise(uris)
        ],
        "similar_tracks": [{"track": uri, "k": 2} for uri in uris[:5]] + [{"track": None, "k": 2}],
        "track_vector": [{"track_uri": uri} for uri in [*uris[:5], None]],
        "check_next_songs": [{"track_uris": [uris[0], "none", None]}, {"track_uris": []}],
        "next_songs_for_title": [{"title": "summer", "k": 3, "per_artist": 1}],
        "next_songs_for_playlist": [{"playlist": playlist, "k": 3, "exclude": uris}],
        "assigned_model": [{"task_name": "hit", "key": "a"}, {"task_name": "none", "key": "a"}],
    }
    for name, rows in cases.items():
        right = [call(opened, name, row) for row in rows]
        assert asked(http, name, rows)["results"] == near(right), name
        assert asked(http, name, rows[0])["result"] == near(right[0]), name


def call(connection, name, row):
    given = ", ".join(f'"{key}" := ?' for key in row)
    connection.execute(f"select {name}({given})", [*row.values()])
    return plain(connection.fetchall()[0][0])


def test_functions_of_any_model_answer_as_in_sql(http, opened):
    (model,) = opened.execute("select model_id from ml.champions where task = 'hit'").fetchone()
    features = [[0.7, 0.8, 0.5, 120 + step] for step in range(50)]
    rows = [{"model_id": model, "features": each} for each in features]
    right = [call(opened, "onnx_predict", row) for row in rows]
    answer = asked(http, "onnx_predict", rows)
    assert answer["results"] == near(right)
    assert answer["model_ids"] == [model] * 50
    assert asked(http, "check_features", rows[0])["model_id"] == model


def test_a_song_is_optimized_and_the_changes_are_told(http, opened):
    best = asked(http, "optimize_song", SONG | {"max_features": 1})
    assert len(best["result"]["changes"]) == 1
    sentence = asked(http, "describe_changes", {"optimization": best["result"]})["result"]
    assert "popularity by the model" in sentence
    many = asked(
        http, "describe_changes", [{"optimization": best["result"]}, {"optimization": None}]
    )
    assert many["results"] == [sentence, None]


def test_the_check_says_what_check_task_says(http, opened):
    rows = [HIT, HIT | {"tempo": None}, HIT | {"energy": 7}]
    answer = asked(http, "predict_hit", rows, check="true")
    right = opened.execute(
        "select check_hit(0.7, 0.8, 0.5, 120), check_hit(0.7, 0.8, 0.5, null), "
        "check_hit(0.7, 7, 0.5, 120)"
    ).fetchall()[0]
    assert answer["checks"] == list(right)
    assert answer["checks"][1] == ["tempo is missing"]
    assert answer["results"][1] is None
    assert asked(http, "predict_hit", rows[1], check="true")["check"] == right[1]


def test_null_inputs_give_null(http):
    assert asked(http, "predict_hit", dict.fromkeys(HIT))["result"] is None
    assert asked(http, "predict_hit", [HIT, dict.fromkeys(HIT)])["results"][1] is None


def test_no_rows_give_no_results(http):
    answer = asked(http, "predict_hit", [])
    assert answer["results"] == []
    assert answer["model_id"]


def test_ten_thousand_rows_keep_their_order(http, opened):
    rows = [HIT | {"tempo": 60 + step / 100} for step in range(10_000)]
    results = asked(http, "predict_hit", rows)["results"]
    right = opened.execute(
        "select predict_hit(0.7, 0.8, 0.5, 60 + n / 100) from range(10000) as t(n) order by n"
    ).fetchall()
    assert results == near([value for (value,) in right])


def test_other_spellings_of_a_name_are_not_taken(http):
    response = http.post("/predict/predict_hit", json=HIT | {"Tempo": 1})
    assert response.status_code == 422
    assert http.post("/predict/PREDICT_HIT", json=HIT).status_code == 404


@pytest.mark.parametrize(
    ("function", "body", "name", "said"),
    [
        ("predict_hit", HIT | {"tempo": "120"}, "tempo", 'is the text "120"'),
        ("predict_hit", HIT | {"tempo": "NaN"}, "tempo", 'is the text "NaN"'),
        ("predict_hit", HIT | {"tempo": True}, "tempo", "is true"),
        ("predict_hit", HIT | {"tempo": 1e16}, "tempo", "beyond 1e15"),
        ("predict_hit", HIT | {"tempo": 10**500}, "tempo", "beyond 1e15"),
        ("predict_hit", HIT | {"tempo": [120]}, "tempo", "is a list"),
        ("predict_hit", HIT | {"tempo": {}}, "tempo", "is an object"),
        ("predict_hit", HIT | {"temp": 1}, "temp", "did you mean tempo?"),
        ("predict_hit", HIT | {"loudness": 1}, "loudness", "is not an input of predict_hit"),
        ("predict_hit", {"danceability": 1}, "energy", "is missing"),
        ("predict_popularity", SONG | {"explicit": 1}, "explicit", "is the number 1"),
        ("predict_popularity", SONG | {"genres": "pop"}, "genres", 'is the text "pop"'),
        (
            "predict_popularity",
            SONG | {"genres": ["pop", 7]},
            "genres",
            "element 2 is the number 7",
        ),
        ("next_songs", {"track_uris": [], "k": 1.5}, "k", "is the number 1.5"),
        ("next_songs", {"track_uris": [], "k": 10**19}, "k", "beyond 64 bits"),
        ("onnx_predict", {"model_id": "\ud800", "features": []}, "model_id", "surrogate"),
        ("describe_changes", {"optimization": {"a b": 1}}, "optimization", "letters, digits"),
        ("describe_changes", {"optimization": [1, "a"]}, "optimization", "several types"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_a_wrong_input_is_named(http, function, body, name, said, many):
    text = json.dumps([body] if many else body)
    response = http.post(
        f"/predict/{function}", content=text, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert {"type", "title", "status", "detail"} <= problem.keys()
    errors = [each for each in problem["errors"] if each["input"] == name]
    assert said in errors[0]["problem"], errors
    assert errors[0]["expected"]
    assert errors[0].get("row") == (0 if many else None)


def test_a_wrong_date_is_named(http, opened):
    (row,) = objects(
        opened,
        "select bpm, danceability_pct, valence_pct, energy_pct, acousticness_pct, "
        "instrumentalness_pct, liveness_pct, speechiness_pct, mode, artist_count, released_on "
        "from dim_songs limit 1",
    )
    for wrong in ("2023-02-30", "30.1.2023", "2023-1-1", 2023, "infinity"):
        response = http.post(
            "/predict/predict_log_streams_context", json=row | {"released_on": wrong}
        )
        assert response.status_code == 422
        assert response.json()["errors"][0]["input"] == "released_on"


def test_the_row_of_a_wrong_input_is_named(http):
    rows = [HIT, HIT, HIT | {"tempo": "fast"}, 5, None]
    problem = http.post("/predict/predict_hit", json=rows).json()
    assert [each["row"] for each in problem["errors"]] == [3, 4]
    problem = http.post("/predict/predict_hit", json=rows[:3]).json()
    assert problem["errors"][0]["row"] == 2
    assert problem["detail"].startswith('row 2: tempo is the text "fast"; expected a number')


def test_an_option_is_given_in_all_rows_or_in_none(http):
    rows = [{"track_uris": [], "k": 2}, {"track_uris": [], "k": 2, "per_artist": 1}]
    problem = http.post("/predict/next_songs", json=rows).json()
    assert problem["errors"][0]["problem"] == "is given in some rows only"


def test_an_error_of_a_function_is_no_result(http):
    response = http.post("/predict/next_songs", json={"track_uris": [], "k": 1000})
    assert response.status_code == 422
    assert response.json()["sqlstate"].startswith("22")
    response = http.post("/predict/predict_hit_by", json=HIT | {"algorithm": "prophet"})
    assert response.status_code == 422
    assert "task hit has no model by prophet" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("predict_hits", HIT, 404),
        ("predict_hit'); drop table x; --", HIT, 404),
        ("json_execute_serialized_sql", {}, 404),
        ("read_csv", {}, 404),
        ("predict_hit", 5, 422),
        ("predict_hit", {"rows": 5}, 422),
        ("predict_hit", {"rows": [], "tempo": 5}, 422),
        ("predict_hit?check=perhaps", HIT, 400),
        ("predict_hit?chek=true", HIT, 400),
        ("check_hit?check=true", HIT, 400),
    ],
)
def test_a_wrong_request_is_refused(http, path, body, status):
    response = http.post(f"/predict/{path}", json=body)
    assert response.status_code == status, response.text
    assert response.json()["status"] == status
    assert response.json()["detail"]


def test_functions_are_described(functions):
    hit = functions["predict_hit"]
    assert [each["name"] for each in hit["arguments"]] == list(HIT)
    assert {each["type"] for each in hit["arguments"]} == {"double"}
    assert all(each["required"] and each["description"] for each in hit["arguments"])
    assert hit["returns"] == {"type": "double", "description": "A probability."}
    assert (hit["task"], hit["check"]) == ("hit", "check_hit")
    assert functions["predict_hit_by"]["models"]["xgboost"]
    options = {each["name"]: each["required"] for each in functions["next_songs"]["arguments"]}
    assert options == {
        "track_uris": True,
        "k": True,
        "exclude": False,
        "among": False,
        "per_artist": False,
        "allow_other_versions": False,
    }


def test_the_openapi_document_describes_every_input(http, functions):
    document = http.get("/openapi.json").json()
    for name, told in functions.items():
        assert f"/predict/{name}" in document["paths"]
        inputs = document["components"]["schemas"][f"{name}_inputs"]
        assert list(inputs["properties"]) == [each["name"] for each in told["arguments"]]
    tempo = document["components"]["schemas"]["predict_hit_inputs"]["properties"]["tempo"]
    assert tempo["type"] == ["number", "null"]
    assert tempo["description"].startswith("Tempo in beats per minute")


def test_schemas_of_the_document_accept_what_the_server_accepts(http):
    from jsonschema import Draft202012Validator

    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    hit = Draft202012Validator(schemas["predict_hit_inputs"])
    assert hit.is_valid(HIT | {"tempo": None})
    for wrong in (HIT | {"tempo": "1"}, HIT | {"x": 1}, {"tempo": 1}, HIT | {"tempo": 1e16}):
        assert not hit.is_valid(wrong)


def test_the_page_loads_nothing_from_elsewhere(http):
    response = http.get("/docs")
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in response.text
    assert "http://" not in response.text and "https://" not in response.text
    assert "predict_hit" in response.text
