"""The handlers of the Python functions, in Snowpark's local testing and against DuckDB's SQL."""

import hashlib
import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.hand_models import linear
from udfs.errors import ModelError
from udfs.registry.validation import Given, validated
from udfs.snowflake import helpers, served

snowpark = pytest.importorskip("snowflake.snowpark", reason="the extra snowflake is not there")

LINE = linear([2.0, -1.0, 0.5], 0.25)
INPUTS = [{"name": name, "minimum": 0.0, "maximum": 4.0} for name in ("a", "b", "c")]


@pytest.fixture
def line(tmp_path) -> served.Served:
    """A function with one model, 2a - b + c/2 + 1/4, the champion of the task `lines`."""
    (tmp_path / "line.onnx").write_bytes(LINE)
    model = {"sha256": hashlib.sha256(LINE).hexdigest(), "inputs": INPUTS}
    words = {"champion of lines": "line", "lines by hand": "line"}
    stamp = {"models": {"line": model}, "words": words, "assignments": [["lines", "x", 0, 4999]]}
    return served.Served(json.dumps(stamp), tmp_path)


def answers(function, *columns) -> list:
    rows = pd.DataFrame({place: pd.Series(c, dtype=object) for place, c in enumerate(columns)})
    return list(function(rows))


def test_a_model_is_found_by_its_id_or_its_task(line):
    asked = ["line", "champion of lines", "lines by hand"]
    found = answers(lambda rows: served.onnx_predict(line, rows), asked, [[1, 2, 3]] * 3)
    assert found == [[1.75]] * 3


def test_a_list_may_be_json_text(line):
    found = answers(lambda rows: served.onnx_predict(line, rows), ["line"], ["[1, 2, 3]"])
    assert found == [[1.75]]


def test_a_bad_value_gives_null_only_in_its_row(line):
    lists = [[1, 2, 3], None, [1, None, 3], [1, float("nan"), 3], [1e16, 2, 3]]
    found = answers(lambda rows: served.onnx_predict(line, rows), ["line"] * 5, lists)
    assert found == [[1.75], None, None, None, None]


@pytest.mark.parametrize(
    ("asked", "features", "message"),
    [
        (None, [1, 2, 3], "model_id is NULL"),
        ("none", [1, 2, 3], "no model none is served here"),
        ("champion of waltzes", [1, 2, 3], "task waltzes has no champion"),
        ("lines by magic", [1, 2, 3], "task lines has no model by magic"),
        ("line", [1, 2], "takes 3 features, got 2"),
    ],
)
def test_a_bad_call_says_what_is_wrong(line, asked, features, message):
    with pytest.raises(ModelError, match=message):
        answers(lambda rows: served.onnx_predict(line, rows), [asked], [features])


@pytest.mark.parametrize("inputs", [["a", "b", "d"], ["b", "a", "c"], ["a", "b"]])
def test_a_model_is_not_explained_by_songs_with_other_inputs(line, inputs):
    songs = [[0.0] * len(inputs)]
    known = {"terms": ["average", *inputs], "places": [1, 2, 3], "songs": songs, "most": 5}
    stamp = line.stamp | {"backgrounds": {"lines": known | {"inputs": inputs}}}
    explain = served.Served(json.dumps(stamp), line._folder)
    arguments = (["lines"], ["champion of lines"], [[1, 2, 3]], [1])
    with pytest.raises(ModelError, match="lines has no background rows with the inputs of the"):
        answers(lambda rows: served.onnx_explain(explain, rows), *arguments)
    known = known | {"terms": ["average", "a", "b", "c"], "songs": [[0.0] * 3]}
    stamp = line.stamp | {"backgrounds": {"lines": known | {"inputs": ["a", "b", "c"]}}}
    explain = served.Served(json.dumps(stamp), line._folder)
    ((terms,),) = [answers(lambda rows: served.onnx_explain(explain, rows), *arguments)]
    assert sum(term["contribution"] for term in terms) == pytest.approx(1.75)


def test_changed_bytes_are_refused(line, tmp_path):
    (tmp_path / "line.onnx").write_bytes(LINE + b"\0")
    with pytest.raises(ModelError, match="corrupted"):
        answers(lambda rows: served.onnx_predict(line, rows), ["line"], [[1, 2, 3]])


def test_unusual_values_are_named(line):
    found = answers(lambda rows: served.check_features(line, rows), ["line"], [[None, 5, 1]])
    assert found == [["a is missing", "b is 5.0, outside the range seen in training, 0.0 to 4.0"]]


def test_ranges_have_the_type_of_the_input(line):
    """float32 cannot tell these two numbers apart; a model without examples has no ranges."""
    one, *others = INPUTS
    exact = one | {"type": "float64", "maximum": 16777216.0}
    line.stamp["models"]["line"]["inputs"] = [exact, *({**o, "minimum": None} for o in others)]
    lists = [[16777217, 99, 99], [16777216, 99, 99]]
    found = answers(lambda rows: served.check_features(line, rows), ["line"] * 2, lists)
    assert [len(findings) for findings in found] == [1, 0]


def test_a_graph_of_float64_with_a_missing_input_is_answered(tmp_path):
    """float32 would move the first value across the threshold."""
    nodes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": [1, 0, 0],
        "nodes_values_as_tensor": numpy_helper.from_array(np.array([0.1, 0, 0])),
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights_as_tensor": numpy_helper.from_array(np.array([5.0, 7.0])),
        "n_targets": 1,
    }
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **nodes)
    x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    graph = helper.make_graph([node], "tree", [x], [y])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    content = validated(model.SerializeToString(), Given(missing=[0])).content
    (tmp_path / "tree.onnx").write_bytes(content)
    known = {"sha256": hashlib.sha256(content).hexdigest(), "inputs": INPUTS[:1]}
    tree = served.Served(json.dumps({"models": {"tree": known}, "words": {}}), tmp_path)
    lists = [[0.1], [0.1 + 1e-12], [None], [float("inf")]]
    found = answers(lambda rows: served.onnx_predict(tree, rows), ["tree"] * 4, lists)
    assert found == [[5.0], [7.0], [5.0], None]


def test_each_bucket_belongs_to_a_challenger_or_the_champion(line):
    keys = [f"user {number}" for number in range(200)]
    found = answers(lambda rows: served.assigned_model(line, rows), ["lines"] * 200, keys)
    assert 60 < found.count("x") < 140
    assert set(found) == {"x", "line"}


def test_the_handler_runs_in_snowparks_local_testing(line):
    """Local testing does not batch data frames: each row is one batch."""
    session = snowpark.Session.builder.config("local_testing", True).create()
    types = snowpark.types
    array = types.ArrayType(types.DoubleType())

    def predict(model_id: str, features: list) -> list:
        return served.onnx_predict(line, pd.DataFrame({0: [model_id], 1: [features]}))[0]

    function = session.udf.register(
        predict, return_type=array, input_types=[types.StringType(), array]
    )
    rows = session.create_dataframe(
        [["champion of lines", [1.0, 2.0, 3.0]], ["line", [0.0, 0.0, 1.0]]],
        types.StructType(
            [types.StructField("m", types.StringType()), types.StructField("f", array)]
        ),
    )
    found = [row[0] for row in rows.select(function("m", "f")).collect()]
    assert [json.loads(one) if isinstance(one, str) else one for one in found] == [[1.75], [0.75]]
    session.close()


# A helper, the equivalent SQL of DuckDB, and rows of arguments.
PAIRS = [
    (
        helpers.one_hot,
        "list_transform([struct_pack(given := {0}::varchar[], known := {1}::varchar[])], lambda o: "
        "list_transform(o.known, lambda m: cast(list_contains(o.given, m) as double)))[1]",
        [(["a", "c"], ["a", "b"]), ([], ["a"]), (None, ["a", "b"])],
    ),
    (
        helpers.input_groups,
        "list_transform([list_transform({0}::struct(name varchar)[], lambda one: "
        "split_part(one.name, '=', 1))], lambda names: list_filter(names, lambda name, i: "
        "i = 1 or name <> names[i - 1]))[1]",
        [([{"name": name} for name in ("tempo", "genres=pop", "genres=a=b", "key")],)],
    ),
    (
        helpers.genre_names,
        "list_transform({0}::varchar[], lambda genre: nullif(trim(regexp_replace(replace("
        "nfc_normalize(lower(genre)), '&', ' and '), '[^\\p{{L}}\\p{{M}}\\p{{N}}]+', '-', 'g'), "
        "'-'), ''))",
        [
            (["Hip Hop", "R & B", None, "", " & ", "İstanbul Pop", "ΛΑΪΚΟΣ", "mu\u0301sica"], {}),
            (["हिन्दी पॉप", "J-Pop", "--x--y__z--"], {}),
        ],
    ),
    (
        helpers.unknown_members,
        "list_transform(list_filter({1}::varchar[], lambda m: "
        "coalesce(not list_contains({2}::varchar[], m), true)), lambda m: "
        "{0} || ': ' || coalesce(m, 'NULL') || ' is not known and counts as none')",
        [("genres", ["pop", None, "x"], ["pop"]), ("genres", [], ["pop"])],
    ),
    (
        helpers.first_words,
        "list_filter(regexp_split_to_array(lower(coalesce({0}, '')), '[^\\p{{L}}\\p{{N}}]+'), "
        "lambda word: word <> '')[:{1}]",
        [("Été à la PLAGE_2020 !", 5), ("one two three", 2), ("", 3), (None, 3), ("[1] {x}", 5)],
    ),
    (helpers.list_field, "list_transform({0}, lambda i: i.name)", [([{"name": "a"}], "name")]),
    (helpers.dot_product, "list_dot_product({0}, {1})", [([1.0, 2.0], [3.0, 4.0])]),
    (
        helpers.likeliest,
        "{0}[list_position({1}, list_max({1}))]",
        [(["Flop", "Hit"], [0.2, 0.8]), (["Flop", "Hit"], [0.5, 0.5])],
    ),
]


@pytest.mark.parametrize(
    ("helper", "sql", "calls"), PAIRS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_helper_gives_the_answers_of_duckdbs_sql(helper, sql, calls):
    for arguments in calls:
        (answered,) = answers(helper, *[[argument] for argument in arguments])
        places = [f"${number}" for number, _ in enumerate(arguments, 1)]
        query = "select " + sql.format(*places)
        used = {str(n): a for n, a in enumerate(arguments, 1) if f"${n}" in query}
        ((expected,),) = duckdb.execute(query, used).fetchall()
        assert answered == expected, arguments


def test_an_error_is_raised_if_a_row_asks_for_it():
    with pytest.raises(ModelError, match="k is 0"):
        answers(helpers.raise_error, ["k is 0"])
    assert answers(helpers.raise_error, [None]) == [None]
