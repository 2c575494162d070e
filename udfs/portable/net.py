"""Nets: chains of fully connected layers with ReLU between them; a linear model is one layer.

https://onnx.ai/onnx/operators/onnx__Gemm.html
https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html

Each operator before a ReLU is affine, so all of them together are one layer: they are multiplied
out, in float64, because a scale multiplied into the weights costs float32 its last digits.
"""

from collections.abc import Mapping

import numpy as np
import onnx

from udfs.portable.attributes import attributes, transform

Layer = tuple[np.ndarray, np.ndarray]  # weights (out, in), intercepts (out,)


def translate(chain: list[onnx.NodeProto], constants: Mapping[str, np.ndarray]) -> dict | None:
    """Return `layers`, each with `weights` (out lists of in) and `intercepts` (out).

    Args:
        chain: the nodes on the way from features to scores.
        constants: the graph's initializers by name.

    Returns:
        None where a node is neither affine nor ReLU, or the last one is ReLU.
    """
    layers, last = [None], chain[-1] if chain else None
    for node in chain:
        if node.op_type == "Relu":
            layers.append(None)
        elif node.op_type in AFFINE:
            found = AFFINE[node.op_type](node, constants)
            layers[-1] = found if layers[-1] is None else _after(layers[-1], found)
        else:
            return None
    if any(layer is None for layer in layers):
        return None
    is_classifier = last.op_type == "LinearClassifier"
    return {
        "kind": "net",
        "transform": transform(attributes(last) if is_classifier else {}, len(layers[-1][1])),
        "layers": [
            {"weights": weights.tolist(), "intercepts": intercepts.tolist()}
            for weights, intercepts in layers
        ],
    }


def _after(first: Layer, second: Layer) -> Layer:
    """One layer that does what two do, one after the other; a scaler's weights are a vector."""
    (weights, intercepts), (outer, offset) = first, second
    if weights.ndim == 1:
        return outer * weights, outer @ intercepts + offset
    return outer @ weights, outer @ intercepts + offset


def _scaler(node: onnx.NodeProto, constants) -> Layer:
    """(x - offset) * scale, the diagonal of its weights."""
    values = attributes(node)
    scale = np.asarray(values["scale"], dtype=float)
    return scale, -scale * np.asarray(values["offset"], dtype=float)


def _linear(node: onnx.NodeProto, constants) -> Layer:
    """LinearRegressor or LinearClassifier.

    A classifier of two classes stores both rows of weights, one the negative of the other; under
    LOGISTIC each is squashed on its own, so one row is enough.
    """
    values = attributes(node)
    intercepts = np.asarray(values["intercepts"], dtype=float)
    weights = np.asarray(values["coefficients"], dtype=float).reshape(len(intercepts), -1)
    if values.get("post_transform") == "LOGISTIC" and len(intercepts) == 2:
        return weights[1:], intercepts[1:]
    return weights, intercepts


def _gemm(node: onnx.NodeProto, constants) -> Layer:
    """Gemm: alpha * x @ B + beta * C."""
    values = attributes(node)
    weights = constants[node.input[1]].astype(float) * values.get("alpha", 1)
    intercepts = constants[node.input[2]].astype(float) * values.get("beta", 1)
    return weights if values.get("transB") else weights.T, intercepts


# One reader for each operator: no discovery, no effects at a distance.
AFFINE = {
    "Scaler": _scaler,
    "LinearRegressor": _linear,
    "LinearClassifier": _linear,
    "Gemm": _gemm,
}
