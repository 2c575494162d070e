"""Affine operators, which need no step of a program.

https://onnx.ai/onnx/operators/onnx__Gemm.html
https://onnx.ai/onnx/operators/onnx__MatMul.html
https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html
"""

from dataclasses import replace

import numpy as np

from models_py.sql_backend.answers import Answer, Given, Label
from models_py.sql_backend.attributes import check
from models_py.sql_backend.call import Call, fitting
from models_py.sql_backend.values import Value, rounded

FLOAT = np.dtype(np.float32)


def _scaler(call: Call) -> list[Given]:
    """Scaler: (x - offset) * scale, in float32."""
    given, values = call.row(), call.attributes
    check(given.dtype == FLOAT, "a Scaler of float64")
    offset, scale = (np.asarray(values[name], dtype=FLOAT) for name in ("offset", "scale"))
    return [given.operated("Add", -offset).operated("Mul", scale)]


def _linear(call: Call) -> list[Given]:
    """LinearRegressor or LinearClassifier, in float32.

    A LOGISTIC classifier of two classes stores a row of weights for each class, one the negative of
    the other. The second row is enough, see the transform LOGISTIC.
    """
    values, given = call.attributes, as_float32(call)
    labels = next((v for name, v in values.items() if name.startswith("classlabels_")), ())
    none = [0.0] * max(values.get("targets", 1), len(labels))
    intercepts = np.asarray(values.get("intercepts", none), dtype=float)
    weights = np.asarray(values["coefficients"], dtype=float).reshape(len(intercepts), -1)
    if weights.shape[1] != given.size:
        raise ValueError(f"{weights.shape[1]} coefficients for {given.size} numbers")
    post = values.get("post_transform", "NONE")
    if post == "LOGISTIC" and len(labels) == 2 and _is_mirrored(weights, intercepts):
        weights, intercepts = weights[1:], intercepts[1:]
    raw = given.times(weights, intercepts)
    transform = _transform(post, len(labels), raw.size)
    answer = Answer(raw, transform, transform in ("SOFTMAX", "LOGISTIC"))
    return [Label(), answer] if labels else [answer]


def as_float32(call: Call) -> Value:
    """Return the input of an operator that computes in float32."""
    given = call.row()
    if given.dtype == np.float64:
        given = given.converted(FLOAT)
        return call.program.exact(given) if given.chains else given
    return replace(given, dtype=FLOAT)


def _is_mirrored(weights: np.ndarray, intercepts: np.ndarray) -> bool:
    return (
        len(weights) == 2
        and np.array_equal(weights[0], -weights[1])
        and intercepts[0] == -intercepts[1]
    )


def _transform(post: str, labels: int, scores: int) -> str:
    known = {"NONE": "NONE", "SOFTMAX": "SOFTMAX", "LOGISTIC": "SIGMOID"}
    if scores == 1:
        binary = {"NONE": "BINARY", "LOGISTIC": "LOGISTIC"}
        known = binary if labels == 2 else {"NONE": "NONE"}
    check(post in known and (labels > 0 or post != "LOGISTIC"), f"the transform {post}")
    return known[post]


def _gemm(call: Call) -> list[Given]:
    """Gemm: alpha * x @ B + beta * C."""
    values, weights = call.attributes, call.constant(1).astype(float)
    check(weights.ndim == 2 and not values.get("transA"), "a product of matrices")
    matrix = (weights if values.get("transB") else weights.T) * values.get("alpha", 1.0)
    offset = np.zeros(len(matrix))
    if call.has(2):
        row = fitting(call.constant(2).astype(float), 1)
        offset = values.get("beta", 1.0) * np.broadcast_to(row, len(matrix))
    return [call.row().times(matrix, offset)]


def _matmul(call: Call) -> list[Given]:
    """MatMul: x @ B."""
    weights = call.constant(1).astype(float)
    check(weights.ndim in (1, 2), "a product of matrices")
    matrix = weights.reshape(len(weights), -1).T
    found = call.row().times(matrix, np.zeros(len(matrix)))
    return [found if weights.ndim == 2 else found.reshaped(())]


def _elementwise(call: Call) -> list[Given]:
    """Add, Sub, Mul or Div of values and constants."""
    name, constants = call.name, [isinstance(one, np.ndarray) for one in call.given]
    if True in constants and _is_neutral(name, call.given, constants.index(True)):
        return [call.given[constants.index(False)]]
    a, b = call.together()
    check(name != "Div" or a.dtype.kind == "f", "a division of integers")
    if name == "Div" and constants[1]:
        check(bool(b.intercepts.all()), "a division by zero")
    if constants[1]:
        operand = (-b.intercepts if name == "Sub" else b.intercepts).reshape(b.shape)
        return [a.operated({"Sub": "Add"}.get(name, name), operand)]
    if constants[0] and name != "Div":
        operand = a.intercepts.reshape(a.shape)
        return [b.operated({"Sub": "From"}.get(name, name), operand)]
    if name in ("Mul", "Div"):
        return [call.program.pair(name, a, b)]
    shape = np.broadcast_shapes(a.shape, b.shape)
    a, b = a.broadcast(shape), b.broadcast(shape)
    return [a.plus(times(b, -1.0) if name == "Sub" else b)]


def _is_neutral(name: str, given: list, place: int) -> bool:
    """Return whether an operand changes nothing: converters write such operators around models."""
    neutral = 0.0 if name in ("Add", "Sub") else 1.0
    is_allowed = place == 1 or name in ("Add", "Mul")
    return is_allowed and given[place].size == 1 and float(given[place].ravel()[0]) == neutral


def times(value: Value, factor: float) -> Value:
    """Return the numbers times a factor, rounded only in float64."""
    return value.scaled(np.full(value.size, factor), np.zeros(value.size))


def plus(value: Value, summand: float) -> Value:
    """Return the numbers plus a summand, rounded only in float64."""
    return value.scaled(np.ones(value.size), np.full(value.size, summand))


def added(values: list[Value]) -> Value:
    """Return the sum of values."""
    shape = np.broadcast_shapes(*(value.shape for value in values))
    total = values[0].broadcast(shape)
    for value in values[1:]:
        total = total.plus(value.broadcast(shape))
    return total


def _sum(call: Call) -> list[Given]:
    """Sum or Mean of several values."""
    total = added(call.together())
    return [times(total, 1 / len(call.given)) if call.name == "Mean" else total]


def _negative(call: Call) -> list[Given]:
    return [call.value().operated("Mul", np.array(-1.0))]


def _normalization(call: Call) -> list[Given]:
    """BatchNormalization: (x - mean) / sqrt(variance + epsilon) * scale + offset."""
    given = call.row()
    check(not call.attributes.get("training_mode"), "a normalization over rows")
    scale, offset, mean, variance = (call.constant(place).astype(float) for place in range(1, 5))
    scale = scale / np.sqrt(variance + call.attributes.get("epsilon", 1e-5))
    found = given.scaled(scale, offset - scale * mean)
    return [replace(found, precision=max(given.precision, rounded(given.dtype)))]


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
    "Sum": _sum,
    "Mean": _sum,
    "Neg": _negative,
    "BatchNormalization": _normalization,
}
