"""Nets: chains of layers with an activation between them; a linear model is one layer.

Consecutive affine operators are multiplied out to one layer, in float64, because in float32 the
product would lose the last digits.
"""

import onnx

from models_py.sql_backend.activations import ACTIVATIONS
from models_py.sql_backend.affine import AFFINE, Constants, Layer
from models_py.sql_backend.attributes import attributes, is_computable
from models_py.sql_backend.transforms import ENDINGS, of_classifier

# Wider layers would make queries slow, and the product of two layers large.
MAX_WIDTH = 1_000


def translate(chain: list[onnx.NodeProto], constants: Constants, width: int) -> dict | None:
    """Return the parameters of a net.

    Args:
        chain: the nodes from features to scores, in order.
        constants: the graph's parameters by name.
        width: number of features.

    Returns:
        `kind`, which is linear for one layer and net for more; `transform`; and `layers`, each with
        `weights` (out, in), `intercepts` (out) and `activation`. None if SQL cannot evaluate the
        net: a node is neither affine nor an activation, an activation is last, a layer is wider
        than MAX_WIDTH, or a parameter is larger than `LARGEST`.
    """
    if width > MAX_WIDTH:
        return None
    layers: list[Layer | None] = [None]
    activations, last = [], chain[-1]
    ending = _ending(last)
    for node in chain[:-1] if ending else chain:
        if node.op_type in ACTIVATIONS:
            layers.append(None)
            activations.append(node.op_type)
            continue
        found = AFFINE.get(node.op_type, _unknown)(node, constants, width)
        if found is None or not is_computable(*found):
            return None
        if node is not last and _is_transformed(node):
            return None
        before = layers[-1]
        layers[-1] = found if before is None else _after(before, found)
        width = len(found[1])
        if width > MAX_WIDTH:
            return None
    whole = [layer for layer in layers if layer is not None]
    if len(whole) < len(layers):
        return None
    return {
        "kind": "net" if activations else "linear",
        "transform": ending or _classified(last, whole[-1]),
        "layers": [
            {
                "weights": weights.tolist(),
                "intercepts": intercepts.tolist(),
                "activation": activation,
            }
            for (weights, intercepts), activation in zip(whole, [*activations, None], strict=True)
        ],
    }


def _ending(node: onnx.NodeProto) -> str | None:
    """Return the transform of the last operator, if it is Sigmoid or Softmax."""
    if node.op_type == "Softmax" and attributes(node).get("axis", -1) not in (-1, 1):
        return None
    return ENDINGS.get(node.op_type)


def _is_transformed(node: onnx.NodeProto) -> bool:
    return attributes(node).get("post_transform", "NONE") != "NONE"


def _classified(node: onnx.NodeProto, layer: Layer) -> str | None:
    is_linear = node.op_type.startswith("Linear")
    return of_classifier(attributes(node) if is_linear else {}, len(layer[1]))


def _after(first: Layer, second: Layer) -> Layer:
    """Return two consecutive layers as one."""
    (weights, intercepts), (outer, offset) = first, second
    return outer @ weights, outer @ intercepts + offset


def _unknown(node: onnx.NodeProto, constants: Constants, width: int) -> None:
    return None
