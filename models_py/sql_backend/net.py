"""Nets: chains of layers with an activation between them; a linear model is one layer.

All operators before an activation are affine, so together they are one layer: they are multiplied
out, in float64, because a scale multiplied into the weights costs float32 its last digits.
"""

import onnx

from models_py.sql_backend.activations import ACTIVATIONS
from models_py.sql_backend.affine import AFFINE, Constants, Layer
from models_py.sql_backend.attributes import attributes, is_computable
from models_py.sql_backend.transforms import ENDINGS, of_classifier

# A layer of more values would make each query slow, and each product of two layers large.
MAX_WIDTH = 1_000


def translate(chain: list[onnx.NodeProto], constants: Constants, width: int) -> dict | None:
    """Return `layers`, each with `weights` (out lists of in), `intercepts` (out), `activation`.

    Args:
        chain: the nodes on the way from features to scores.
        constants: the graph's parameters by name.
        width: number of features.

    Returns:
        None where a node is neither affine nor an activation, or an activation comes last, or a
        parameter is far too large.
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
        "kind": "net",
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
    """What a last operator that is no layer makes of the raw scores."""
    if node.op_type == "Softmax" and attributes(node).get("axis", -1) not in (-1, 1):
        return None
    return ENDINGS.get(node.op_type)


def _is_transformed(node: onnx.NodeProto) -> bool:
    return attributes(node).get("post_transform", "NONE") != "NONE"


def _classified(node: onnx.NodeProto, layer: Layer) -> str | None:
    is_linear = node.op_type.startswith("Linear")
    return of_classifier(attributes(node) if is_linear else {}, len(layer[1]))


def _after(first: Layer, second: Layer) -> Layer:
    """One layer that does what two do, one after the other."""
    (weights, intercepts), (outer, offset) = first, second
    return outer @ weights, outer @ intercepts + offset


def _unknown(node: onnx.NodeProto, constants: Constants, width: int) -> None:
    return None
