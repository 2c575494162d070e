"""Validation of registered graphs: refusals, and the normal form of accepted graphs."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models_py import export, sql_backend
from tests.hand_models import linear, net, sine, softmax, stump
from udfs import ModelError
from udfs.registry.sandbox import validated_in_sandbox
from udfs.registry.validation import Refusal, validated

FLOAT, DOUBLE, INT64, STRING = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.STRING,
)


def value(name: str, kind: int, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, initializers=(), opsets=(("", 18),), functions=()) -> bytes:
    body = helper.make_graph(nodes, "test", inputs, outputs, list(initializers))
    imports = [helper.make_opsetid(*opset) for opset in opsets]
    made = helper.make_model(body, opset_imports=imports, ir_version=10, functions=functions)
    return made.SerializeToString()


def one(op: str, *, x=("x", FLOAT, [None, 3]), y=("y", FLOAT, [None, 3]), **attributes) -> bytes:
    """A graph of one operator from x to y."""
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    return model([node], [value(*x)], [value(*y)])


def run(content: bytes, rows: np.ndarray) -> np.ndarray:
    session = export.session(content)
    return session.run(["scores"], {"features": rows})[0]


def external() -> bytes:
    found = onnx.load_from_string(net())
    tensor = found.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return found.SerializeToString()


def external_inside() -> bytes:
    """External data in a constant inside a branch of an If."""
    tensor = TensorProto(name="hidden", data_type=FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    constant = helper.make_node("Constant", [], ["branch"], value=tensor)
    branch = helper.make_graph([constant], "branch", [], [value("branch", FLOAT, [3])])
    nodes = [
        helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch),
        helper.make_node("Add", ["x", "z"], ["y"]),
    ]
    yes = numpy_helper.from_array(np.array(True), "yes")
    return model(nodes, [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 3])], [yes])


def zipmap() -> bytes:
    nodes = [
        helper.make_node(
            "ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["a", "b", "c"]
        )
    ]
    kind = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(FLOAT, []))
    output = helper.make_value_info("y", helper.make_sequence_type_proto(kind))
    return model(
        nodes, [value("x", FLOAT, [None, 3])], [output], opsets=(("", 18), ("ai.onnx.ml", 3))
    )


def custom() -> bytes:
    node = helper.make_node("Sqrt", ["x"], ["y"], domain="com.example")
    body = [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 3])]
    return model([node], *body, opsets=(("", 18), ("com.example", 1)))


def two_inputs() -> bytes:
    node = helper.make_node("Add", ["a", "b"], ["y"])
    inputs = [value(name, FLOAT, [None, 3]) for name in "ab"]
    return model([node], inputs, [value("y", FLOAT, [None, 3])])


def two_outputs() -> bytes:
    nodes = [helper.make_node(op, ["x"], [op]) for op in ("Sin", "Cos")]
    outputs = [value(op, FLOAT, [None, 3]) for op in ("Sin", "Cos")]
    return model(nodes, [value("x", FLOAT, [None, 3])], outputs)


def newer() -> bytes:
    node = helper.make_node("Sin", ["x"], ["y"])
    body = [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 3])]
    return model([node], *body, opsets=(("", 9_999),))


def endless() -> bytes:
    """A loop of 2^62 steps."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Sin", ["v"], ["w"])],
        "body",
        [value("i", INT64, []), value("go", TensorProto.BOOL, []), value("v", FLOAT, [None, 3])],
        [value("again", TensorProto.BOOL, []), value("w", FLOAT, [None, 3])],
    )
    node = helper.make_node("Loop", ["steps", "yes", "x"], ["y"], body=body)
    constants = [
        numpy_helper.from_array(np.array(2**62), "steps"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    shapes = [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 3])]
    return model([node], *shapes, constants)


REFUSED = {
    "nothing": (b"", "the file is empty"),
    "text": (b"select 1", "not an ONNX model"),
    "half a file": (net()[:-40], "not an ONNX model|not valid ONNX"),
    "other file": (external(), "are in another file, which is never read"),
    "other file, inside": (external_inside(), "are in another file, which is never read"),
    "custom operator": (custom(), "'com.example' is not part of the ONNX standard"),
    "no such operator": (one("Whatever"), "not valid ONNX"),
    "newer operators": (newer(), "this runtime supports 7 to"),
    "text input": (
        one("Identity", x=("x", STRING, [None, 3])),
        "export the model with an input for each column",
    ),
    "fixed n": (one("Sin", x=("x", FLOAT, [5, 3]), y=("y", FLOAT, [5, 3])), r"has shape \[5, 3\]"),
    "any k": (one("Sin", x=("x", FLOAT, [None, None]), y=("y", FLOAT, [None, None])), "has shape"),
    "softmax over rows": (one("Softmax", axis=0), "depends on the other rows"),
    "sums over rows": (one("LpNormalization", axis=0), "depends on the other rows"),
    "random": (one("RandomUniformLike"), "differently each time"),
}


UNSQUEEZED = model(
    [helper.make_node("Unsqueeze", ["x", "axes"], ["y"])],
    [value("x", FLOAT, [None, 3])],
    [value("y", FLOAT, [None, 3, 1])],
    [numpy_helper.from_array(np.array([2]), "axes")],
)
# Graphs that are brought into the registry's form: what they give for features (n, k).
MENDED = {
    "two inputs": (two_inputs(), 6, lambda x: x[:, :3] + x[:, 3:]),
    "float64": (one("Sin", x=("x", DOUBLE, [None, 3]), y=("y", DOUBLE, [None, 3])), 3, np.sin),
    "one dimension": (one("Sin", x=("x", FLOAT, [None]), y=("y", FLOAT, [None])), 1, np.sin),
    "two outputs": (two_outputs(), 3, lambda x: np.hstack([np.sin(x), np.cos(x)])),
    "maps": (zipmap(), 3, lambda x: x),
    "float64 out": (one("Cast", to=DOUBLE, y=("y", DOUBLE, [None, 3])), 3, lambda x: x),
    "three dimensions": (UNSQUEEZED, 3, lambda x: x),
    "a batch of one": (one("Sin", x=("x", FLOAT, [1, 3]), y=("y", FLOAT, [1, 3])), 3, np.sin),
    "a wrong shape": (one("Sin", y=("y", FLOAT, [None, 5])), 3, np.sin),
}


@pytest.mark.parametrize("case", MENDED)
def test_a_graph_is_brought_into_the_form_of_the_registry(case):
    content, width, expected = MENDED[case]
    found = validated(content)
    rows = np.random.default_rng(0).random((5, width))
    features = rows if found.is_double else rows.astype(np.float32)
    assert found.inputs == width
    assert run(found.content, features) == pytest.approx(expected(rows), rel=1e-6)


def test_text_becomes_a_one_hot_group():
    """One input for each text that the graph knows, and one for all others."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["genre"],
            ["y"],
            domain="ai.onnx.ml",
            keys_strings=["rock", "pop"],
            values_floats=[3.0, 2.0],
            default_float=-1.0,
        )
    ]
    shapes = [value("genre", STRING, [None, 1])], [value("y", FLOAT, [None, 1])]
    found = validated(model(nodes, *shapes, opsets=(("", 18), ("ai.onnx.ml", 3))))
    assert found.input_names == ["genre=pop", "genre=rock", "genre is other"]
    scores = run(found.content, np.eye(3, dtype=np.float32))
    assert scores.ravel().tolist() == [2, 3, -1]


@pytest.mark.parametrize("case", REFUSED)
def test_an_unsupported_graph_is_refused_with_the_reason(case):
    content, reason = REFUSED[case]
    with pytest.raises(Refusal, match=reason):
        validated(content)


@pytest.mark.parametrize(
    "content",
    [linear([2.0, 3.0], 1.0), net(), softmax(), stump("BRANCH_LT", 0.5, 1.0, 2.0), sine(3)],
)
def test_normalizing_a_graph_keeps_its_answers(content):
    found = validated(content)
    rows = np.random.default_rng(1).random((7, found.inputs), dtype=np.float32)
    assert np.array_equal(run(found.content, rows), run(content, rows))
    assert validated(found.content) == found


def test_inputs_and_outputs_get_the_names_of_the_registry():
    nodes = [
        helper.make_node("Sin", ["scores"], ["features"]),
        helper.make_node("Neg", ["features"], ["y"]),
    ]
    content = model(nodes, [value("scores", FLOAT, ["n", 3])], [value("y", FLOAT, ["n", 3])])
    rows = np.ones((2, 3), dtype=np.float32)
    assert run(validated(content).content, rows) == pytest.approx(-np.sin(rows))


def test_labels_next_to_the_scores_are_dropped():
    nodes = [
        helper.make_node("Softmax", ["x"], ["y"]),
        helper.make_node("ArgMax", ["y"], ["label"], axis=1),
    ]
    outputs = [value("label", INT64, [None, 1]), value("y", FLOAT, [None, 3])]
    found = validated(model(nodes, [value("x", FLOAT, [None, 3])], outputs))
    assert (found.inputs, found.outputs) == (3, 3)


def test_a_score_without_a_column_gets_one():
    node = helper.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=0)
    axis = numpy_helper.from_array(np.array([1]), "axis")
    found = validated(
        model([node], [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None])], [axis])
    )
    assert found.outputs == 1
    assert run(found.content, np.ones((2, 3), dtype=np.float32)).tolist() == [[3], [3]]


def test_functions_of_the_graph_are_inlined():
    body = [helper.make_node("Sin", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["c"])]
    function = helper.make_function(
        "own", "negative_sine", ["a"], ["c"], body, [helper.make_opsetid("", 18)]
    )
    node = helper.make_node("negative_sine", ["x"], ["y"], domain="own")
    shapes = [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 3])]
    content = model([node], *shapes, opsets=(("", 18), ("own", 1)), functions=[function])
    stored = onnx.load_from_string(validated(content).content)
    assert [n.op_type for n in stored.graph.node] == ["Sin", "Neg"]
    assert not stored.functions


def test_the_sandbox_gives_the_same_result():
    found = validated_in_sandbox(net())
    assert dataclasses.replace(found, portable=None) == validated(net())
    assert found.portable == sql_backend.translate(found.content)
    with pytest.raises(ModelError, match="was not stored: the file is empty"):
        validated_in_sandbox(b"")


def test_an_endless_graph_is_stopped(monkeypatch):
    monkeypatch.setattr("udfs.registry.sandbox.CPU_SECONDS", 3)
    with pytest.raises(ModelError, match="its check ended with signal"):
        validated_in_sandbox(endless())


@pytest.mark.parametrize("weight", [3e38, -1e30, float("nan")])
def test_a_parameter_near_the_float32_limit_has_no_sql_translation(weight):
    assert sql_backend.translate(linear([weight, 1.0], 0.0)) is None
    assert sql_backend.translate(linear([1.0, 1.0], 0.0)) is not None


@pytest.mark.parametrize("kind", ["regressor", "ensemble"])
def test_a_cyclic_tree_is_refused_even_if_no_tried_row_reaches_the_cycle(kind):
    with pytest.raises(Refusal, match="has a cycle: a node leads back to one above it"):
        validated(CIRCLES[kind]())


def circle() -> bytes:
    """A tree whose second node is its own child; the tried rows never reach it."""
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LT", "BRANCH_LT", "LEAF"],
        nodes_values=[-1e6, 0.0, 0.0],
        nodes_truenodeids=[1, 1, 0],
        nodes_falsenodeids=[2, 2, 0],
        target_ids=[0],
        target_nodeids=[2],
        target_treeids=[0],
        target_weights=[1.0],
        n_targets=1,
    )
    return model([node], [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 1])], opsets=ML)


def circle_of_places() -> bytes:
    """The same for the operator TreeEnsemble, whose ids are positions."""
    node = helper.make_node(
        "TreeEnsemble",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        tree_roots=[0],
        nodes_featureids=[0, 0],
        nodes_modes=numpy_helper.from_array(np.array([1, 1], dtype=np.uint8)),
        nodes_splits=numpy_helper.from_array(np.array([-1e6, 0], dtype=np.float32)),
        nodes_truenodeids=[1, 1],
        nodes_trueleafs=[0, 0],
        nodes_falsenodeids=[0, 0],
        nodes_falseleafs=[1, 1],
        leaf_targetids=[0],
        leaf_weights=numpy_helper.from_array(np.array([1], dtype=np.float32)),
    )
    return model(
        [node], [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 1])], opsets=ML_5
    )


ML, ML_5 = (("", 18), ("ai.onnx.ml", 3)), (("", 21), ("ai.onnx.ml", 5))
CIRCLES = {"regressor": circle, "ensemble": circle_of_places}


def test_a_nan_threshold_has_no_sql_translation():
    found = onnx.load_from_string(stump("BRANCH_LT", 0.5, 1.0, 2.0))
    (values,) = (a for a in found.graph.node[0].attribute if a.name == "nodes_values")
    assert sql_backend.translate(found.SerializeToString()) is not None
    values.floats[0] = float("nan")
    assert sql_backend.translate(found.SerializeToString()) is None


def test_no_file_of_the_working_directory_is_imported(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit('this file was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert validated_in_sandbox(net()).inputs == 2


def test_the_largest_size_is_a_setting(monkeypatch):
    monkeypatch.setenv("HITPARADE_MODEL_MB", "0.5")
    with pytest.raises(
        Refusal, match=r"1 MB, and a model may have at most 0\.5: .*HITPARADE_MODEL_MB"
    ):
        validated(b"x" * 2**20)
