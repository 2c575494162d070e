"""Operators that are functions of single numbers, of pairs, or of a row.

https://onnx.ai/onnx/operators/index.html

They are composed of the few operations that a step knows, see `steps`. p and n are the parts of x
above and below zero: x = p - n, and p n = 0.
"""

from dataclasses import replace

import numpy as np

from models_py.sql_backend.affine import added, plus, times
from models_py.sql_backend.answers import Answer, Given
from models_py.sql_backend.attributes import NotInSQL, check
from models_py.sql_backend.call import Call, axis_of
from models_py.sql_backend.program import Program
from models_py.sql_backend.values import Precision, Value, constant

UNBOUNDED = 1e30  # a bound of Clip that is as good as none
BOOL = np.dtype(bool)


def _parts(value: Value, program: Program) -> tuple[Value, Value]:
    """Return the parts of the numbers above and below zero."""
    check(not value.is_stacked, "an operator on stacked values")
    value = program.settled(value)
    both = program.joined([value.reshaped((value.size,)), _flat(times(value, -1.0))], 0)
    parts = program.function("Relu", both)
    order = np.arange(value.size)
    return parts.select(order, value.shape), parts.select(order + value.size, value.shape)


def _flat(value: Value) -> Value:
    return value.reshaped((value.size,))


def _sigmoid(call: Call) -> list[Given]:
    value = call.value()
    is_row = len(value.shape) == 1
    return [Answer(value, "SIGMOID") if is_row else call.program.function("Sigmoid", value)]


def _softmax(call: Call) -> list[Given]:
    value = call.row()
    check(call.axis(-1) == 0, "a softmax across rows")
    return [Answer(value, "SOFTMAX", is_distribution=True)]


def _log_softmax(call: Call) -> list[Given]:
    value = call.program.settled(call.row())
    check(call.axis(-1) == 0, "a softmax across rows")
    return [added([value, times(_log_sum(value, call.program), -1.0)])]


def _log_sum(value: Value, program: Program) -> Value:
    """log(sum(exp(x))), from the distances to the largest number, which never overflow."""
    largest = program.row("Max", value, 1)
    powers = program.function("Exp", added([value, times(largest, -1.0)]))
    return program.function("Log", total(powers)).plus(largest)


def _exp(call: Call) -> list[Given]:
    found = call.program.function("Exp", call.value())
    is_float = found.dtype == np.float32  # which may be too small for it
    return [call.program.function("Float", found) if is_float else found]


def _tanh(call: Call) -> list[Given]:
    return [tanh(call.value(), call.program)]


def tanh(value: Value, program: Program) -> Value:
    """Return the hyperbolic tangent of x as 2 sigmoid(2 x) - 1."""
    return plus(times(program.function("Sigmoid", times(value, 2.0)), 2.0), -1.0)


def root(value: Value, program: Program) -> Value:
    """Return the square root of x as exp(log(x) / 2)."""
    return program.function("Exp", times(program.function("Log", value), 0.5))


def _leaky(call: Call) -> list[Given]:
    """LeakyRelu, or PRelu with a slope for each number."""
    value = call.program.settled(call.value())
    slope = np.array(call.attributes.get("alpha", 0.01))
    if call.name == "PRelu":
        slope = call.together()[1].intercepts
        check(isinstance(call.given[1], np.ndarray), "a slope that varies")
    slopes = np.broadcast_to(slope, value.size)
    zeros = np.zeros(value.size)
    above = call.program.function("Relu", value).scaled(1 - slopes, zeros)
    return [value.scaled(slopes, zeros).plus(above)]


def _exponential(call: Call) -> list[Given]:
    """Elu, Selu or Celu: scale (p + alpha (exp(-n / width) - 1))."""
    p, n = _parts(call.value(), call.program)
    scale, alpha, width = 1.0, call.attributes.get("alpha", 1.0), 1.0
    if call.name == "Selu":
        alpha = call.attributes.get("alpha", 1.67326319217681884765625)
        scale = call.attributes.get("gamma", 1.05070102214813232421875)
    if call.name == "Celu":
        width = alpha
    check(width > 0, "a width that is not positive")
    below = call.program.function("Exp", times(n, -1 / width))
    return [times(p, scale).plus(times(plus(below, -1.0), scale * alpha))]


def _softplus(value: Value, program: Program) -> Value:
    """log(1 + exp(x)) as p + log(1 + exp(-|x|)), which never overflows."""
    p, n = _parts(value, program)
    small = program.function("Exp", times(p.plus(n), -1.0))
    return p.plus(program.function("Log", plus(small, 1.0)))


def _clipped(value: Value, low: float, high: float, program: Program) -> Value:
    """max(low, min(high, x)) as low + relu(x - low) - relu(x - high)."""
    check(low <= high, "bounds in the wrong order")
    if low < -UNBOUNDED:
        if high > UNBOUNDED:
            return value
        return plus(times(program.function("Relu", plus(times(value, -1.0), high)), -1.0), high)
    above = plus(program.function("Relu", plus(value, -low)), low)
    if high > UNBOUNDED:
        return above
    return above.plus(times(program.function("Relu", plus(value, -high)), -1.0))


def _clip(call: Call) -> list[Given]:
    value, bounds = call.value(), []
    for place, name, none in ((1, "min", -np.inf), (2, "max", np.inf)):
        bounds.append(call.constant(place, name).ravel() if call.knows(place, name) else [none])
    return [_clipped(value, float(bounds[0][0]), float(bounds[1][0]), call.program)]


def _hard_sigmoid(call: Call) -> list[Given]:
    alpha, beta = call.attributes.get("alpha", 0.2), call.attributes.get("beta", 0.5)
    return [_clipped(plus(times(call.value(), alpha), beta), 0.0, 1.0, call.program)]


def _gate(call: Call) -> list[Given]:
    """HardSwish, Mish, Swish or Gelu: x times a function of x; or Softsign, x / (1 + |x|)."""
    program, value = call.program, call.program.settled(call.value())
    match call.name:
        case "HardSwish":
            gate = _clipped(plus(times(value, 1 / 6), 0.5), 0.0, 1.0, program)
        case "Mish":
            gate = tanh(_softplus(value, program), program)
        case "Swish":
            scaled = times(value, call.attributes.get("alpha", 1.0))
            gate = program.function("Sigmoid", scaled)
        case "Softsign":
            return [program.pair("Div", value, plus(absolute(value, program), 1.0))]
        case _:
            gate = _normal(call, value)
    return [program.pair("Mul", value, gate)]


def _normal(call: Call, value: Value) -> Value:
    """The share of a normal distribution below x, exact or approximated by tanh."""
    program = call.program
    if call.attributes.get("approximate", "none") == "none":
        shape = _error_function(times(value, np.sqrt(0.5)), program)
    else:
        cube = program.pair("Mul", program.pair("Mul", value, value), value)
        inner = times(value.plus(times(cube, 0.044715)), np.sqrt(2 / np.pi))
        shape = tanh(inner, program)
    return plus(times(shape, 0.5), 0.5)


def _error_function(value: Value, program: Program) -> Value:
    """Abramowitz and Stegun, 7.1.28: the error is below 3e-7. DuckDB has no such function."""
    value = program.settled(value)
    size = program.settled(absolute(value, program))
    found = times(size, ERROR_FUNCTION[-1])
    for factor in ERROR_FUNCTION[-2::-1]:
        found = program.pair("Mul", size, plus(found, factor))
    rest = program.function("Exp", times(program.function("Log", plus(found, 1.0)), -16.0))
    return program.pair("Mul", _signs(value, program), plus(times(rest, -1.0), 1.0))


ERROR_FUNCTION = (
    *(0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638),
)


def _sign(call: Call) -> list[Given]:
    value = call.program.certain(call.value())
    return [replace(_signs(value, call.program), precision=Precision.EXACT)]


def _signs(value: Value, program: Program) -> Value:
    above = program.computed(value, "IsPositive", Precision.EXACT)
    below = program.computed(times(value, -1.0), "IsPositive", Precision.EXACT)
    return above.plus(times(below, -1.0))


def _rounded(call: Call) -> list[Given]:
    """Floor or Ceil."""
    sign = 1.0 if call.name == "Floor" else -1.0
    value = times(call.program.certain(call.value()), sign)
    return [times(call.program.decision("Floor", value), sign)]


def truncated(value: Value, program: Program) -> Value:
    """Return the numbers without their digits after the point."""
    p, n = _parts(program.certain(value), program)
    found = program.decision("Floor", p).plus(times(program.decision("Floor", n), -1.0))
    return replace(found, precision=Precision.EXACT)


def _extreme(call: Call) -> list[Given]:
    """Max or Min of several values: max(a, b) = a + relu(b - a)."""
    sign = 1.0 if call.name == "Max" else -1.0
    first, *rest = (times(value, sign) for value in call.together())
    for value in rest:
        gap = call.program.function("Relu", added([value, times(first, -1.0)]))
        first = added([first, gap])
    return [times(first, sign)]


def _power(call: Call) -> list[Given]:
    exponent = call.constant(1)
    check(exponent.size == 1, "a power for each number")
    value, program = call.program.settled(call.value()), call.program
    match float(exponent.ravel()[0]):
        case 0.5:
            return [root(value, program)]
        case 1.0:
            return [value]
        case 2.0:
            return [program.pair("Mul", value, value)]
        case 3.0:
            return [program.pair("Mul", program.pair("Mul", value, value), value)]
    raise NotInSQL("a power")


def _reciprocal(call: Call) -> list[Given]:
    value = call.value()
    one = replace(constant(np.ones(value.shape)), dtype=value.dtype)
    return [call.program.pair("Div", one, value)]


def _compared(call: Call) -> list[Given]:
    """Greater, Less, Equal and so on, as 1 or 0."""
    a, b = call.together()
    if call.name.startswith("Less"):
        a, b = b, a
    gap = call.program.differences(a, b)
    if call.name == "Equal":
        return [_flag(call.program.decision("IsZero", gap))]
    found = call.program.decision("IsPositive", gap)
    if call.name.endswith("OrEqual"):
        found = found.plus(call.program.decision("IsZero", gap))
    return [_flag(found)]


def _flag(value: Value) -> Value:
    return replace(value, dtype=BOOL)


def _combined(call: Call) -> list[Given]:
    """And, Or or Xor."""
    both = replace(added(call.together()), dtype=BOOL)
    if call.name == "Xor":
        return [_flag(call.program.decision("IsZero", plus(both, -1.0)))]
    least = 1.5 if call.name == "And" else 0.5
    return [_flag(call.program.decision("IsPositive", plus(both, -least)))]


def _not(call: Call) -> list[Given]:
    return [_flag(plus(times(call.value(), -1.0), 1.0))]


def _is_nan(call: Call) -> list[Given]:
    return [_flag(is_missing(call.value(), call.program))]


def is_missing(value: Value, program: Program) -> Value:
    """Return whether the numbers are NaN: then 0 x is not 0. Both backends agree on that."""
    nothing = program.computed(times(program.settled(value), 0.0), "IsZero", Precision.EXACT)
    return plus(times(nothing, -1.0), 1.0)


def _where(call: Call) -> list[Given]:
    return [call.program.where(*call.together())]


def _argument(call: Call) -> list[Given]:
    """ArgMax or ArgMin: the place of the first largest or smallest number."""
    value = call.program.certain(call.row())
    check(call.axis(0) == 0 and not call.attributes.get("select_last_index"), "the last place")
    value = value if call.name == "ArgMax" else times(value, -1.0)
    found = replace(call.program.row("ArgMax", value, 1), dtype=np.dtype(np.int64))
    return [found if call.attributes.get("keepdims", 1) else found.reshaped(())]


def _reduced(call: Call) -> list[Given]:
    """ReduceSum, ReduceMean and further functions along an axis."""
    value, name, program = call.stacked(), call.name, call.program
    (axis,) = [int(axis) for axis in call.constant(1, "axes").ravel()]
    if value.is_stacked:
        check(axis == 0 and not call.attributes.get("keepdims", 1), "stacked values")
        place = 0
    else:
        place = axis_of(axis, len(value.shape))
    found = _along(name, value, place, program)
    shape = list(value.shape)
    shape[place : place + 1] = [1] * call.attributes.get("keepdims", 1)
    return [replace(found, is_stacked=False).reshaped(shape)]


def _along(name: str, value: Value, axis: int, program: Program) -> Value:
    """Return a function of the numbers along an axis, with the axes that are left."""
    if name == "ReduceL1":
        value = absolute(value, program)
    if name in ("ReduceL2", "ReduceSumSquare"):
        value = program.pair("Mul", value, value)
    if name == "ReduceProd":
        return _product(value, axis, program)
    if name in ("ReduceMax", "ReduceMin", "ReduceLogSumExp"):
        check(value.size == value.shape[axis], "a largest number of several")
        value = program.settled(value)
        if name == "ReduceLogSumExp":
            # It is subtracted from numbers of its size, which leaves few digits of float32.
            check(value.precision <= Precision.DOUBLE, "a sum of powers in float32")
            return _log_sum(value, program)
        sign = 1.0 if name == "ReduceMax" else -1.0
        return times(program.row("Max", times(value, sign), 1), sign)
    found = total(value, axis)
    if name == "ReduceMean":
        return times(found, 1 / value.shape[axis])
    return root(found, program) if name == "ReduceL2" else found


def _product(value: Value, axis: int, program: Program) -> Value:
    order = np.moveaxis(np.arange(value.size).reshape(value.shape), axis, 0)
    value = program.settled(value)
    found, *rest = (value.select(places, places.shape) for places in order)
    for factor in rest:
        found = program.pair("Mul", found, factor)
    return found


def absolute(value: Value, program: Program) -> Value:
    """Return the absolute numbers."""
    p, n = _parts(value, program)
    return p.plus(n)


def total(value: Value, axis: int = 0) -> Value:
    """Return the sums along an axis."""
    order = np.moveaxis(np.arange(value.size).reshape(value.shape), axis, -1)
    matrix = np.zeros((value.size // value.shape[axis], value.size))
    np.put_along_axis(matrix, order.reshape(len(matrix), -1), 1.0, axis=1)
    return value.times(matrix, np.zeros(len(matrix)))


FUNCTIONS = {
    "Relu": lambda call: [call.program.function("Relu", call.value())],
    "Log": lambda call: [call.program.function("Log", call.value())],
    "Sqrt": lambda call: [root(call.value(), call.program)],
    "Erf": lambda call: [_error_function(call.value(), call.program)],
    "Tanh": _tanh,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "Exp": _exp,
    "Abs": lambda call: [absolute(call.value(), call.program)],
    "LeakyRelu": _leaky,
    "PRelu": _leaky,
    **dict.fromkeys(("Elu", "Selu", "Celu"), _exponential),
    "Softplus": lambda call: [_softplus(call.value(), call.program)],
    "Clip": _clip,
    "HardSigmoid": _hard_sigmoid,
    **dict.fromkeys(("HardSwish", "Mish", "Swish", "Softsign", "Gelu"), _gate),
    "Sign": _sign,
    **dict.fromkeys(("Floor", "Ceil"), _rounded),
    **dict.fromkeys(("Max", "Min"), _extreme),
    "Pow": _power,
    "Reciprocal": _reciprocal,
    **dict.fromkeys(("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"), _compared),
    **dict.fromkeys(("And", "Or", "Xor"), _combined),
    "Not": _not,
    "IsNaN": _is_nan,
    "Where": _where,
    **dict.fromkeys(("ArgMax", "ArgMin"), _argument),
    **dict.fromkeys(
        (
            *("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceLogSumExp"),
            *("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceProd"),
        ),
        _reduced,
    ),
}
