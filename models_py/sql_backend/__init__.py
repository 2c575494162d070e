"""Translation of ONNX graphs for the SQL backend: lists of parameters that pure SQL evaluates.

Each family of operators has a module: `affine` and `activations` are the parts of a `net`, `trees`
translates tree ensembles, and `transforms` turn raw scores into predictions. A graph with an
operator that none of them knows runs only on the ONNX Runtime backend.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from models_py.sql_backend import net, trees


class TranslationError(ValueError):
    """The bytes are not an ONNX graph, or the graph is malformed."""


def translate(content: bytes) -> dict | None:
    """Return the parameters of an ONNX graph with input `features` and output `scores`.

    Returns:
        `kind`, `transform` (see `transforms`) and the fields of the kind (see `net.translate` and
        `trees.translate`); None if SQL cannot evaluate the graph.

    Raises:
        TranslationError: the bytes are not an ONNX graph, or the graph is malformed.
    """
    try:
        found = _translated(onnx.load_from_string(content).graph)
    except Exception as error:  # protobuf, onnx and numpy raise errors of many classes here
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
    """Return the parameters of a graph by name, including those in Constant nodes."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def _chain(
    graph: onnx.GraphProto, constants: Mapping[str, np.ndarray]
) -> list[onnx.NodeProto] | None:
    """Return the nodes from features to scores in order; None if they are not a simple chain."""
    producers = {name: node for node in graph.node for name in node.output}
    chain: list[onnx.NodeProto] = []
    name = graph.output[0].name
    for _ in range(len(graph.node) + 1):  # bounded, because a malformed graph may have a cycle
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
    """True for a node that converters add around a model and that changes no value."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Normalizer":  # the sum of probabilities is already 1
        before = producers.get(node.input[0])
        is_classified = before is not None and before.op_type.endswith("Classifier")
        return is_classified and values.get("norm") == b"L1"
    if node.op_type == "Cast":  # the features are already float32
        return values.get("to") == onnx.TensorProto.FLOAT
    return node.op_type == "Identity"
