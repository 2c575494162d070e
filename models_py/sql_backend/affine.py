"""Affine operators: each is translated to a layer y = x W' + b.

https://onnx.ai/onnx/operators/onnx__Gemm.html
https://onnx.ai/onnx/operators/onnx__MatMul.html
https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html
"""

from collections.abc import Mapping

import numpy as np
import onnx

from models_py.sql_backend.attributes import attributes

Constants = Mapping[str, np.ndarray]
Layer = tuple[np.ndarray, np.ndarray]  # weights (out, in), intercepts (out,)


def _scaler(node: onnx.NodeProto, constants: Constants, width: int) -> Layer:
    """Scaler: (x - offset) * scale."""
    values = attributes(node)
    rows = (np.asarray(values[name], dtype=float) for name in ("scale", "offset"))
    scale, offset = (np.broadcast_to(row, width) for row in rows)
    return np.diag(scale), -scale * offset


def _linear(node: onnx.NodeProto, constants: Constants, width: int) -> Layer:
    """LinearRegressor or LinearClassifier.

    A LOGISTIC classifier of two classes stores a row of weights for each class, one the negative of
    the other. The second row is enough, see the transform LOGISTIC.
    """
    values = attributes(node)
    none = [0.0] * max(values.get("targets", 1), len(values.get("classlabels_ints", ())))
    intercepts = np.asarray(values.get("intercepts", none), dtype=float)
    weights = np.asarray(values["coefficients"], dtype=float).reshape(len(intercepts), -1)
    if values.get("post_transform") == "LOGISTIC" and len(intercepts) == 2:
        return weights[1:], intercepts[1:]
    return weights, intercepts


def _gemm(node: onnx.NodeProto, constants: Constants, width: int) -> Layer | None:
    """Gemm: alpha * x @ B + beta * C."""
    values = attributes(node)
    weights = _matrix(node.input[1], constants)
    if weights is None or values.get("transA"):
        return None
    weights = (weights if values.get("transB") else weights.T) * values.get("alpha", 1)
    if not "".join(node.input[2:]):
        return weights, np.zeros(len(weights))
    offset = _row(node.input[2], constants, len(weights))
    return None if offset is None else (weights, offset * values.get("beta", 1))


def _matmul(node: onnx.NodeProto, constants: Constants, width: int) -> Layer | None:
    """MatMul: x @ B."""
    weights = _matrix(node.input[1], constants)
    return None if weights is None else (weights.T, np.zeros(weights.shape[1]))


def _elementwise(node: onnx.NodeProto, constants: Constants, width: int) -> Layer | None:
    """Add, Sub, Mul or Div with a constant row c: x + c, x - c, c - x, x * c, x / c."""
    is_second = node.input[1] in constants
    row = _row(node.input[1 if is_second else 0], constants, width)
    if row is None:
        return None
    one, zero = np.ones(len(row)), np.zeros(len(row))
    if node.op_type == "Div":
        return (np.diag(1 / row), zero) if is_second and row.all() else None
    scale, offset = {
        "Add": (one, row),
        "Sub": (one, -row) if is_second else (-one, row),
        "Mul": (row, zero),
    }[node.op_type]
    return np.diag(scale), offset


def _normalization(node: onnx.NodeProto, constants: Constants, width: int) -> Layer | None:
    """BatchNormalization: (x - mean) / sqrt(variance + epsilon) * scale + offset."""
    values = attributes(node)
    found = [_row(name, constants, width) for name in node.input[1:]]
    rows = [row for row in found if row is not None]
    if values.get("training_mode") or len(rows) < len(found):
        return None
    scale, offset, mean, variance = rows
    scale = scale / np.sqrt(variance + values.get("epsilon", 1e-5))
    return np.diag(scale), offset - scale * mean


def _reshape(node: onnx.NodeProto, constants: Constants, width: int) -> Layer | None:
    """Reshape or Squeeze, if it keeps the values of each row, as (n, width) or (n,)."""
    same = [[-1, width], [-1]] if width == 1 else [[-1, width]]
    shape = constants.get(node.input[1]) if len(node.input) > 1 else None
    is_squeeze = node.op_type == "Squeeze" and width == 1
    if not is_squeeze and (shape is None or shape.tolist() not in same):
        return None
    return np.eye(width), np.zeros(width)


def _matrix(name: str, constants: Constants) -> np.ndarray | None:
    found = constants.get(name)
    return None if found is None or found.ndim != 2 else found.astype(float)


def _row(name: str, constants: Constants, width: int) -> np.ndarray | None:
    """Return a constant broadcast to (width,); None if it is missing or has another shape."""
    found = constants.get(name)
    if found is None or found.size not in (1, width) or found.shape[:-1] not in ((), (1,)):
        return None
    return np.broadcast_to(found.astype(float).ravel(), width)


# An explicit table, so that importing a module has no side effects on it.
AFFINE = {
    "Scaler": _scaler,
    "LinearRegressor": _linear,
    "LinearClassifier": _linear,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _elementwise,
    "Sub": _elementwise,
    "Mul": _elementwise,
    "Div": _elementwise,
    "BatchNormalization": _normalization,
    "Reshape": _reshape,
    "Squeeze": _reshape,
}
