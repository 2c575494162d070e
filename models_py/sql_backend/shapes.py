"""Operators that select numbers of a row, or change their shape or type; few need a step.

https://onnx.ai/onnx/operators/onnx__Gather.html
https://onnx.ai/onnx/operators/onnx_aionnxml_ArrayFeatureExtractor.html
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np
from onnx import TensorProto, helper

from models_py.sql_backend.affine import plus, times
from models_py.sql_backend.answers import Answer, Given
from models_py.sql_backend.attributes import check
from models_py.sql_backend.call import Call, axis_of
from models_py.sql_backend.functions import is_missing, truncated
from models_py.sql_backend.program import MAX_NUMBERS
from models_py.sql_backend.values import Value, constant

# Stands for the number of rows in the shape of a value.
ROWS = 982_451_653


def _identity(call: Call) -> list[Given]:
    """Identity, and Dropout, which does nothing outside of training."""
    return [call.given[0]]


def _cast(call: Call) -> list[Given]:
    """Cast between numbers."""
    target, given = call.attributes["to"], call.given[0]
    check(target != TensorProto.STRING, "a conversion to text")
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(target))
    check(dtype in KNOWN, f"a conversion to {dtype}")
    if isinstance(given, Answer) and dtype.kind == "f":
        return [given]
    value = call.value()
    if dtype.kind == "i" and value.dtype.kind == "f":
        return [replace(truncated(value, call.program), dtype=dtype)]
    if dtype.kind == "b" and value.dtype.kind != "b":
        is_zero = call.program.decision("IsZero", value)
        return [replace(plus(times(is_zero, -1.0), 1.0), dtype=dtype)]
    return [value.converted(dtype)]


KNOWN = {np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool")}


def _reshape(call: Call) -> list[Given]:
    """Reshape, if it keeps the numbers of each row together."""
    value, target = call.value(), call.constant(1, "shape").ravel().tolist()
    before = [ROWS, *value.shape]
    check(not call.attributes.get("allowzero") or 0 not in target, "a Reshape to nothing")
    if target[:2] == [1, -1] and target[2:] == [*value.shape, 1][: len(target) - 2]:
        # One of several answers that are joined along the first axis.
        return [replace(value.reshaped((1, *target[2:])), is_stacked=True)]
    sizes = [before[i] if size == 0 and i < len(before) else size for i, size in enumerate(target)]
    if sizes[:1] == [-1] and prod(sizes[1:]) == value.size:
        sizes[0] = ROWS
    check(sizes[:1] == [ROWS], "a Reshape across rows")
    rest = sizes[1:]
    if -1 in rest:
        known = -prod(rest)
        check(rest.count(-1) == 1 and known > 0, "a Reshape of an unknown size")
        rest[rest.index(-1)] = value.size // known
    check(prod(rest) == value.size, "a Reshape across rows")
    if value.shape == tuple(rest):
        return [call.given[0]]
    return [value.reshaped(rest)]


def _flatten(call: Call) -> list[Given]:
    value, axis = call.value(), call.attributes.get("axis", 1)
    check(axis == 1 or axis == -len(value.shape), "a Flatten across rows")
    return [call.given[0] if len(value.shape) == 1 else value.reshaped((value.size,))]


def _squeeze(call: Call) -> list[Given]:
    value = call.value()
    axes = list(range(len(value.shape)))
    if call.knows(1, "axes"):
        axes = [axis_of(int(a), len(value.shape)) for a in call.constant(1, "axes").ravel()]
        check(all(value.shape[axis] == 1 for axis in axes), "a Squeeze of a wider axis")
    shape = [size for axis, size in enumerate(value.shape) if size > 1 or axis not in axes]
    return [value.reshaped(shape)]


def _unsqueeze(call: Call) -> list[Given]:
    value, axes = call.value(), call.constant(1, "axes").ravel().tolist()
    shape = list(value.shape)
    for axis in sorted(axis_of(int(a), len(value.shape) + len(axes)) for a in axes):
        shape.insert(axis, 1)
    return [value.reshaped(shape)]


def _transpose(call: Call) -> list[Given]:
    value = call.value()
    order = call.attributes.get("perm", [])
    check(order[:1] == [0], "a Transpose of rows")
    return [_picked(value, lambda numbers: numbers.transpose([axis - 1 for axis in order[1:]]))]


def _picked(value: Value, choose: Callable[[np.ndarray], np.ndarray]) -> Value:
    """Return the numbers that `choose` takes from an array of their places."""
    found = choose(np.arange(value.size).reshape(value.shape))
    check(found.size <= MAX_NUMBERS, "too many numbers")
    return value.select(found, found.shape)


def _concat(call: Call) -> list[Given]:
    """Concat or FeatureVectorizer."""
    check(not any(isinstance(one, np.ndarray) for one in call.given), "a constant for each row")
    parts = [call.stacked(place) for place in range(len(call.given))]
    check(len({len(part.shape) for part in parts}) == 1, "values of different ranks")
    axis = call.attributes.get("axis", 1)
    if parts[0].is_stacked:
        check(axis == 0 and all(part.is_stacked for part in parts), "stacked values")
        return [replace(call.program.joined(parts, 0), is_stacked=True)]
    parts = [call.value(place) for place in range(len(parts))]
    return [call.program.joined(parts, axis_of(axis, len(parts[0].shape)))]


def _gather(call: Call) -> list[Given]:
    """Gather from each row."""
    if isinstance(call.given[0], np.ndarray):
        table = call.given[0]
        check(table.ndim == 1 and call.attributes.get("axis", 0) == 0, "a table of rows")
        return [_looked_up(call, table)]
    axis, places = call.axis(0), call.constant(1).astype(int)
    return [_picked(call.value(), lambda numbers: numbers.take(places, axis))]


def _extracted(call: Call) -> list[Given]:
    """ArrayFeatureExtractor: numbers along the last axis."""
    if isinstance(call.given[0], np.ndarray):
        found = _looked_up(call, call.given[0].ravel())
        return [found.reshaped((1, found.size)) if len(found.shape) == 0 else found]
    places = call.constant(1).astype(int).ravel()
    check(len(call.value().shape) == 1, "an operator on matrices")
    return [_picked(call.value(), lambda numbers: numbers.take(places))]


def _looked_up(call: Call, table: np.ndarray) -> Value:
    """Return entries of a constant table by a whole number."""
    index = call.value(1)
    check(table.dtype.kind in "fiub" and table.size <= MAX_TABLE, "a table of texts")
    return mapped(call, index, np.arange(table.size), table, 0.0)


MAX_TABLE = 200


def mapped(call: Call, value: Value, keys: np.ndarray, found: np.ndarray, default: float) -> Value:
    """Return what belongs to a number among keys, or the default."""
    places = np.repeat(np.arange(value.size), len(keys))
    each = call.program.certain(value).select(places, (len(places),))
    # NaN is its own key.
    numbers = np.nan_to_num(np.tile(keys.astype(float), value.size))
    is_key = call.program.decision("IsZero", each.scaled(np.ones(each.size), -numbers))
    if np.isnan(keys.astype(float)).any():
        missing = call.program.settled(is_missing(value, call.program))
        columns = np.flatnonzero(np.isnan(keys.astype(float)))
        check(len(columns) == 1, "two keys for NaN")
        order = np.arange(each.size).reshape(value.size, -1)
        order[:, columns[0]] = each.size + np.arange(value.size)
        both = call.program.joined([is_key, missing.reshaped((value.size,))], 0)
        is_key = both.select(order, (each.size,))
    weights = np.kron(np.eye(value.size), found.astype(float).ravel() - default)
    total = is_key.times(weights, np.full(value.size, default))
    dtype = found.dtype if found.dtype != np.float64 else value.dtype
    return replace(total, dtype=dtype, precision=is_key.precision).reshaped(value.shape)


def _slice(call: Call) -> list[Given]:
    """Slice along the axes of a row."""
    value = call.value()
    starts, ends = (call.constant(p, n).ravel() for p, n in ((1, "starts"), (2, "ends")))
    axes = call.constant(3, "axes").ravel() if call.knows(3, "axes") else np.arange(len(starts))
    steps = call.constant(4).ravel() if call.has(4) else np.ones(len(starts), dtype=int)
    cut = [slice(None)] * len(value.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if axis in (0, -len(value.shape) - 1) and start == 0 and step == 1 and end >= ROWS:
            continue
        last = None if step < 0 and end < -ROWS else int(end)
        cut[axis_of(int(axis), len(value.shape))] = slice(int(start), last, int(step))
    return [_picked(value, lambda numbers: numbers[tuple(cut)])]


def _split(call: Call) -> list[Given]:
    """Split along an axis of a row."""
    value, axis = call.value(), call.axis(0)
    count = len(call.node.output)
    if call.knows(1, "split"):
        ends = np.cumsum(call.constant(1, "split").ravel())
    else:
        size = -(-value.shape[axis] // count)
        ends = np.minimum(size * np.arange(1, count + 1), value.shape[axis])
    if len(ends) != count or ends[-1] != value.shape[axis]:
        raise ValueError(f"the parts of a Split end at {ends.tolist()}")
    starts = [0, *ends[:-1].tolist()]
    return [
        _picked(value, partial(np.take, indices=np.arange(start, end), axis=axis))
        for start, end in zip(starts, ends.tolist(), strict=True)
    ]


def _shape(call: Call) -> list[Given]:
    sizes = np.array([ROWS, *call.value().shape], dtype=np.int64)
    return [sizes[call.attributes.get("start", 0) : call.attributes.get("end")]]


def _constant_of_shape(call: Call) -> list[Given]:
    """ConstantOfShape, with a number for each row."""
    sizes = call.constant(0).ravel().tolist()
    check(sizes[:1] == [ROWS] and prod(sizes[1:]) <= MAX_NUMBERS, "a constant for each row")
    number = call.attributes.get("value", np.zeros(1, dtype=np.float32))
    return [constant(np.broadcast_to(number.ravel(), sizes[1:]))]


def _expand(call: Call) -> list[Given]:
    sizes = call.constant(1).ravel().tolist()
    check(sizes[:1] == [ROWS] or sizes[:1] == [1], "an Expand across rows")
    check(prod(sizes[1:]) <= MAX_NUMBERS, "too many numbers")
    (value,) = [call.value()]
    if isinstance(call.given[0], np.ndarray):
        check(sizes[0] == ROWS, "an Expand of one row")
        array = call.given[0]
        check(array.ndim < len(sizes) or array.shape[0] == 1, "a constant for each row")
        value = constant(array[0] if array.ndim == len(sizes) else array)
    else:
        check(len(sizes) == len(value.shape) + 1, "an Expand across rows")
    return [value.broadcast(np.broadcast_shapes(value.shape, tuple(sizes[1:])))]


SHAPES = {
    "Identity": _identity,
    "Dropout": _identity,
    "Cast": _cast,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "FeatureVectorizer": _concat,
    "Gather": _gather,
    "ArrayFeatureExtractor": _extracted,
    "Slice": _slice,
    "Split": _split,
    "Shape": _shape,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
}
