"""ONNX graphs small enough to compute by hand, and a function that adds one to a registry."""

import hashlib

import duckdb
import numpy as np
import onnx
import pyarrow as pa
from onnx import TensorProto, helper, numpy_helper

from models_py import sql_backend
from models_py.registry_schema import SCHEMA
from udfs.registry.operations import renew_functions


def graph(*nodes: onnx.NodeProto, inputs: int, initializers=()) -> bytes:
    """Return a graph from `features` (n, inputs) to `scores`."""
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, inputs])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, None])
    body = helper.make_graph(nodes, "hand", [features], [scores], list(initializers))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def linear(coefficients: list[float], intercept: float) -> bytes:
    """Return a graph of intercept + coefficients . features."""
    node = helper.make_node(
        "LinearRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        coefficients=coefficients,
        intercepts=[intercept],
    )
    return graph(node, inputs=len(coefficients))


def net() -> bytes:
    """Return a net of two layers: 2 relu(a - b) - relu(b - 2a + 1) + 1/2."""
    layers = {
        "w1": [[1, -1], [-2, 1]],
        "b1": [0, 1],
        "w2": [[2, -1]],
        "b2": [0.5],
    }
    nodes = [
        helper.make_node("Gemm", ["features", "w1", "b1"], ["sums"], transB=1),
        helper.make_node("Relu", ["sums"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "w2", "b2"], ["scores"], transB=1),
    ]
    parameters = [
        numpy_helper.from_array(np.array(values, dtype=np.float32), name)
        for name, values in layers.items()
    ]
    return graph(*nodes, inputs=2, initializers=parameters)


def softmax() -> bytes:
    """Return the softmax of (a, 0, -a)."""
    node = helper.make_node(
        "LinearClassifier",
        ["features"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        coefficients=[1.0, 0.0, -1.0],
        intercepts=[0.0, 0.0, 0.0],
        classlabels_ints=[0, 1, 2],
        multi_class=1,
        post_transform="SOFTMAX",
    )
    return graph(node, inputs=1)


def scaled_line() -> bytes:
    """Return 3 (a - 2000) / 10 + 1, as a scaler followed by a linear model."""
    nodes = [
        helper.make_node(
            "Scaler", ["features"], ["scaled"], domain="ai.onnx.ml", offset=[2000.0], scale=[0.1]
        ),
        helper.make_node(
            "LinearRegressor",
            ["scaled"],
            ["scores"],
            domain="ai.onnx.ml",
            coefficients=[3.0],
            intercepts=[1.0],
        ),
    ]
    return graph(*nodes, inputs=1)


def stump(mode: str, threshold: float, low: float, high: float) -> bytes:
    """Return a tree: low if the second of two features passes the comparison, else high."""
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[1, 0, 0],
        nodes_values=[threshold, 0.0, 0.0],
        nodes_modes=[mode, "LEAF", "LEAF"],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[low, high],
    )
    return graph(node, inputs=2)


def sigmoid() -> bytes:
    """Return 1 / (1 + exp(-z)) for z = 2 relu(3 - (a + 2 b) / 2) - 1, built of single operators."""
    parameters = {"w": [[1], [2]], "half": 2, "three": [3], "v": [[2]], "one": [1]}
    nodes = [
        helper.make_node("MatMul", ["features", "w"], ["sums"]),
        helper.make_node("Div", ["sums", "half"], ["means"]),
        helper.make_node("Sub", ["three", "means"], ["rest"]),
        helper.make_node("Relu", ["rest"], ["hidden"]),
        helper.make_node("Mul", ["v", "hidden"], ["twice"]),
        helper.make_node("Sub", ["twice", "one"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["scores"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(values, dtype=np.float32), name)
        for name, values in parameters.items()
    ]
    return graph(*nodes, inputs=2, initializers=constants)


def softmax_of_two(inputs: int = 1) -> bytes:
    """Return the softmax of (0, sum of the inputs), without names for the two outputs."""
    nodes = [
        helper.make_node("Gemm", ["features", "w"], ["sums"]),
        helper.make_node("Softmax", ["sums"], ["scores"]),
    ]
    weights = numpy_helper.from_array(np.array([[0, 1]] * inputs, dtype=np.float32), "w")
    return graph(*nodes, inputs=inputs, initializers=[weights])


def sine(inputs: int) -> bytes:
    """Return the sine of each feature: a graph that has no SQL translation."""
    return graph(helper.make_node("Sin", ["features"], ["scores"]), inputs=inputs)


def add_model(
    connection: duckdb.DuckDBPyConnection,
    model_id: str,
    content: bytes,
    takes_missing: bool = False,
) -> None:
    """Add a graph to the registry, among the models of task hit, and serve it."""
    features = onnx.load_from_string(content).graph.input[0].type.tensor_type
    inputs = features.shape.dim[1].dim_value
    type = "float64" if features.elem_type == TensorProto.DOUBLE else "float32"
    row = {
        "model_id": model_id,
        "task": "hand",
        "algorithm": model_id,
        "version": 1,
        "inputs": [
            {
                "name": f"x{i}",
                "type": type,
                "minimum": 0.0,
                "maximum": 1.0,
                "takes_missing": takes_missing,
            }
            for i in range(inputs)
        ],
        "onnx": content,
        "sha256": hashlib.sha256(content).hexdigest(),
        "portable": sql_backend.translate(content),
    }
    rows = pa.Table.from_pylist([row], SCHEMA)
    connection.register("hand_rows", rows)
    connection.execute("insert into ml.train_hit select * from hand_rows")
    connection.execute(
        "insert into ml.served_models "
        "select model_id, task, algorithm, true, inputs, unnest(portable) from hand_rows"
    )
    connection.unregister("hand_rows")
    renew_functions(connection)
