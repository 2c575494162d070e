"""The SQL backend's form of an ONNX graph: lists of parameters that pure SQL evaluates.

A module for each family of operators: `affine` and `activations` make up a `net`, `trees` are
ensembles of them, `transforms` make answers of raw scores. Each has a table with a line for each
operator. A graph with another operator runs on the ONNX Runtime backend alone.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from models_py.sql_backend import net, trees


class TranslationError(ValueError):
    """Bytes that are no ONNX graph, or a graph whose parts do not fit together."""


def translate(content: bytes) -> dict | None:
    """Return the parameters of an ONNX graph with input `features` and output `scores`.

    The result has `kind`, `transform` (see `transforms`) and the fields of its kind;
    None where the graph has no form in SQL.

    Raises:
        TranslationError: the bytes are no ONNX graph, or its parts do not fit together.
    """
    try:
        found = _translated(onnx.load_from_string(content).graph)
    except Exception as error:  # protobuf, onnx and numpy each have their own for what is malformed
        said = f"{type(error).__name__}: {error}"
        raise TranslationError(
            f"the graph is malformed ({said}): export the model again"
        ) from error
    return found if found and found["transform"] else None


def _translated(graph: onnx.GraphProto) -> dict | None:
    constants = _constants(graph)
    chain = _chain(graph, constants)
    if chain is None:
        return None
    if chain[-1].op_type in ("TreeEnsembleRegressor", "TreeEnsembleClassifier"):
        return trees.translate(chain[-1]) if len(chain) == 1 else None
    return net.translate(chain, constants, _width(graph))


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """The parameters of a graph by name, those in Constant nodes too."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def _chain(
    graph: onnx.GraphProto, constants: Mapping[str, np.ndarray]
) -> list[onnx.NodeProto] | None:
    """The nodes from features to scores, each fed by the one before; None where there is a fork."""
    producers = {name: node for node in graph.node for name in node.output}
    chain: list[onnx.NodeProto] = []
    name = graph.output[0].name
    for _ in range(len(graph.node) + 1):  # a graph may go round in circles
        if name == graph.input[0].name:
            return chain or None
        inputs = producers[name].input if name in producers else ()
        fed_by = [value for value in inputs if value not in constants]
        if len(fed_by) != 1:
            return None
        if not _is_identity(producers[name], producers):
            chain.insert(0, producers[name])
        name = fed_by[0]
    return None


def _width(graph: onnx.GraphProto) -> int:
    return graph.input[0].type.tensor_type.shape.dim[1].dim_value


def _is_identity(node: onnx.NodeProto, producers: Mapping[str, onnx.NodeProto]) -> bool:
    """True for what converters put around a model and changes nothing."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Normalizer":  # of probabilities, whose sum is 1 already
        before = producers.get(node.input[0])
        is_classified = before is not None and before.op_type.endswith("Classifier")
        return is_classified and values.get("norm") == b"L1"
    if node.op_type == "Cast":  # the features, which are float32 already
        return values.get("to") == onnx.TensorProto.FLOAT
    return node.op_type == "Identity"
