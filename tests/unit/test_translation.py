"""The translation for the SQL backend: what it refuses, and the forms that it chooses."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models_py import sql_backend
from models_py.sql_backend import TranslationError
from tests.graph_models import DOUBLE, FLOAT, graph_of, op, tree


def scaled_tree(scale: float = 0.5, type: int = FLOAT) -> bytes:
    """Return trees after a Scaler."""
    found = onnx.load_from_string(tree(["BRANCH_LEQ"] * 2, type=type))
    found.graph.node[0].input[0] = "scaled"
    scaler = op("Scaler", ["features"], ["scaled"], scale=[scale] * 4, offset=[0.25] * 4)
    found.graph.node.insert(0, scaler)
    return found.SerializeToString()


def trees_after(*nodes: onnx.NodeProto, type: int = FLOAT, **constants: np.ndarray) -> bytes:
    """Return trees of the value `inner` that nodes compute."""
    found = onnx.load_from_string(tree(["BRANCH_LEQ"] * 2, type=type))
    found.graph.node[0].input[0] = "inner"
    for node in reversed(nodes):
        found.graph.node.insert(0, node)
    for name, value in constants.items():
        found.graph.initializer.append(numpy_helper.from_array(value, name))
    return found.SerializeToString()


SQUARE = np.eye(4, dtype=np.float32) + 0.25
NOT_IN_SQL = {
    "an unknown operator": lambda: graph_of([op("Sin", ["features"], ["scores"])]),
    "a sum over rows": lambda: graph_of(
        [op("ReduceSum", ["features", "axes"], ["scores"])], {"axes": np.array([0])}
    ),
    "a transposition of rows": lambda: graph_of(
        [op("Transpose", ["features"], ["scores"], perm=[1, 0])]
    ),
    "a softmax over rows": lambda: graph_of([op("Softmax", ["features"], ["scores"], axis=0)]),
    "a product of values": lambda: graph_of([op("MatMul", ["features", "features"], ["scores"])]),
    "trees after a product in float32": lambda: trees_after(
        op("MatMul", ["features", "w"], ["inner"]), w=SQUARE
    ),
    "trees after a function": lambda: trees_after(op("Exp", ["features"], ["inner"])),
    "the smallest of trees": lambda: tree(["BRANCH_LT"] * 2, aggregate_function="MIN"),
    "missing as equal": lambda: tree(["BRANCH_EQ"], [1] * 7),
    "a sum of powers in float32": lambda: graph_of(
        [
            op("Mul", ["features", "features"], ["squares"]),
            op("ReduceLogSumExp", ["squares", "axes"], ["scores"]),
        ],
        {"axes": np.array([1])},
    ),
    "a division by zero": lambda: graph_of(
        [op("Div", ["features", "zero"], ["scores"])], {"zero": np.float32(0)}
    ),
    "a very large parameter": lambda: graph_of(
        [op("Mul", ["features", "much"], ["scores"])], {"much": np.float32(1e20)}
    ),
    "a wide layer": lambda: graph_of(
        [op("MatMul", ["features", "w"], ["scores"])], {"w": np.ones((4, 2000), np.float32)}
    ),
    "texts": lambda: graph_of(
        [op("Cast", ["features"], ["t"], to=TensorProto.STRING), op("Identity", ["t"], ["scores"])]
    ),
    "labels": lambda: graph_of(
        [
            op(
                "LinearClassifier",
                ["features"],
                ["label", "scored"],
                coefficients=[1.0] * 8,
                intercepts=[0.0, 1.0],
                classlabels_ints=[0, 1],
            ),
            op("Cast", ["label"], ["scores"], to=FLOAT),
        ]
    ),
    "whole numbers": lambda: graph_of(
        [op("Cast", ["features"], ["scores"], to=FLOAT)], type=TensorProto.INT64
    ),
}


@pytest.mark.parametrize("name", NOT_IN_SQL)
def test_a_graph_that_sql_cannot_evaluate_has_no_translation(name):
    assert sql_backend.translate(NOT_IN_SQL[name]()) is None


def changed(name: str, value: object) -> bytes:
    """Return trees with another attribute."""
    found = onnx.load_from_string(tree(["BRANCH_LEQ"] * 2))
    (node,) = found.graph.node
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    if value is not None:
        node.attribute.append(helper.make_attribute(name, value))
    return found.SerializeToString()


MALFORMED = {
    "a feature too many": lambda: changed("nodes_featureids", [4] * 14),
    "a negative feature": lambda: changed("nodes_featureids", [-1] * 14),
    "a child of nobody": lambda: changed("nodes_truenodeids", [99] * 14),
    "too few children": lambda: changed("nodes_falsenodeids", [1]),
    "too few thresholds": lambda: changed("nodes_values", [1.0]),
    "no modes": lambda: changed("nodes_modes", None),
    "two nodes of one number": lambda: changed("nodes_nodeids", [0] * 14),
    "a target too many": lambda: changed("target_ids", [3] * 8),
    "a leaf of nobody": lambda: changed("target_nodeids", [99] * 8),
    "too few weights": lambda: changed("target_weights", [1.0, 2.0]),
    "too few flags of missing inputs": lambda: changed("nodes_missing_value_tracks_true", [1]),
    "coefficients for other inputs": lambda: graph_of(
        [op("LinearRegressor", ["features"], ["scores"], coefficients=[1.0], intercepts=[0.0])]
    ),
    "a matrix of another size": lambda: graph_of(
        [op("MatMul", ["features", "w"], ["scores"])], {"w": np.ones((3, 2), np.float32)}
    ),
    "a scale without an offset": lambda: graph_of(
        [op("Scaler", ["features"], ["scores"], scale=[1.0])]
    ),
    "a column of nobody": lambda: graph_of(
        [op("Gather", ["features", "places"], ["scores"], axis=1)], {"places": np.array([9])}
    ),
    "parts of another size": lambda: graph_of(
        [op("Split", ["features", "parts"], ["scores", "rest"], axis=1)],
        {"parts": np.array([3, 3])},
    ),
    "an input of nobody": lambda: graph_of([op("Relu", ["nothing"], ["scores"])]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_graph_is_an_error(name):
    with pytest.raises(TranslationError, match="the graph is malformed"):
        sql_backend.translate(MALFORMED[name]())


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (scaled_tree(), "trees"),
        (scaled_tree(-0.5), "steps"),
        (trees_after(op("Gather", ["features", "p"], ["inner"], axis=1), p=np.arange(4)), "trees"),
        (trees_after(op("MatMul", ["features", "w"], ["inner"]), type=DOUBLE, w=SQUARE), "steps"),
        (tree(["BRANCH_LEQ"], aggregate_function="AVERAGE"), "trees"),
        (graph_of([op("Identity", ["features"], ["scores"])]), "linear"),
        (graph_of([op("Sigmoid", ["features"], ["scores"])]), "linear"),
        (graph_of([op("Relu", ["features"], ["scores"])]), "steps"),
    ],
)
def test_a_graph_gets_the_fastest_form(content, kind):
    assert sql_backend.translate(content)["kind"] == kind


def test_a_node_that_nothing_needs_is_left_out():
    nodes = [op("Sin", ["features"], ["unused"]), op("Identity", ["features"], ["scores"])]
    assert sql_backend.translate(graph_of(nodes))["kind"] == "linear"
