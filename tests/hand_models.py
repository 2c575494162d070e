"""ONNX graphs small enough to compute by hand, and a way to put one into a registry."""

import hashlib

import duckdb
import onnx
import pyarrow as pa
from onnx import TensorProto, helper

from hitparade.registry import SCHEMA
from udfs import portable


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
    """Return intercept + coefficients . features."""
    node = helper.make_node(
        "LinearRegressor",
        ["features"],
        ["scores"],
        domain="ai.onnx.ml",
        coefficients=coefficients,
        intercepts=[intercept],
    )
    return graph(node, inputs=len(coefficients))


def stump(mode: str, threshold: float, low: float, high: float) -> bytes:
    """Return low where feature 2 of 2 passes the test against the threshold, else high."""
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


def tanh(inputs: int) -> bytes:
    """Return tanh of each feature: a graph without a portable form."""
    return graph(helper.make_node("Tanh", ["features"], ["scores"]), inputs=inputs)


def add_model(connection: duckdb.DuckDBPyConnection, model_id: str, content: bytes) -> None:
    """Put a graph into the registry, as a version of its own of task hit, and serve it."""
    inputs = onnx.load_from_string(content).graph.input[0].type.tensor_type.shape.dim[1].dim_value
    row = {
        "model_id": model_id,
        "task": "hand",
        "algorithm": model_id,
        "version": 1,
        "inputs": [
            {"name": f"x{i}", "type": "float32", "minimum": 0.0, "maximum": 1.0}
            for i in range(inputs)
        ],
        "onnx": content,
        "sha256": hashlib.sha256(content).hexdigest(),
        "portable": portable.translate(content),
    }
    rows = pa.Table.from_pylist([row], SCHEMA)
    connection.register("hand_rows", rows)
    connection.execute("insert into ml.train_hit select * from hand_rows")
    connection.execute(
        "insert into ml.served_models "
        "select model_id, task, algorithm, true, inputs, unnest(portable) from hand_rows"
    )
    connection.unregister("hand_rows")
