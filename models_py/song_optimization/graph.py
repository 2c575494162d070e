"""The optimizer as one ONNX graph: gradient ascent on the student's prediction for a song.

Inputs, for n songs with k features, of which the first d may change:

- `songs` (n, k): encoded as for the task popularity.
- `lows`, `highs` (n, d): bounds. A value outside them may stay as it is, but may not move further
  away.
- `max_changes` (n, d): the largest change of each feature, in its own unit; 0 locks it.
- `most` (n, 1): how many features may change.
- `penalty` (n, 1): points for each squared standard deviation of change.
- `steps`: the number of steps; the first half selects the features to change.

Outputs:

- `optimized` (n, d): the changed features.
- `before`, `after` (n, 1): the mean prediction of the student's nets, in points; `after` is never
  lower than `before`.
- `effects` (n, d): the points that each change adds; their sum is `after` - `before`.
- `distances` (n, 2): before and after, the distance to the nearest reference song, in standard
  deviations.

The objective is the mean of the nets, minus their standard deviation, minus the penalty. The
standard deviation keeps the optimizer away from songs for which the nets disagree. The steps are
those of Adam (Kingma and Ba 2015), clipped to the bounds, and the best song seen is returned. The
effects are Shapley values estimated from one order of the features and its reverse (Mitchell et
al., Sampling Permutations for Shapley Value Estimation, 2022), which is exact for two changes.

The functions below are compiled to ONNX. They never run as Python.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxscript import opset18 as op
from onnxscript import script

from models_py.song_optimization.student import Student

# The sum of all step sizes, in standard deviations. The step size decreases linearly.
REACH = 3.0
IS_FLOAT = 1  # the number of the type in ONNX
IR_VERSION = 10


@script(default_opset=op)
def answers(x, base, weights_1, weights_2, intercepts_2, weights_3, intercepts_3):
    """The values before each ReLU, and the prediction of each of m nets (m, ..., 1)."""
    first = op.MatMul(x, weights_1) + base
    second = op.MatMul(op.Relu(first), weights_2) + intercepts_2
    said = op.MatMul(op.Relu(second), weights_3) + intercepts_3
    return first, second, said


@script(default_opset=op)
def agreed(said):
    """The mean of the nets, the deviation of each from it, and their standard deviation."""
    mean = op.ReduceMean(said, [0], keepdims=0)
    off = said - mean
    return mean, off, op.Sqrt(op.ReduceMean(off * off, [0], keepdims=0) + 1e-6)


@script(default_opset=op)
def consider(
    x,
    origin,
    best,
    best_mean,
    best_value,
    base,
    penalty,
    deviations,
    weights_1,
    weights_2,
    intercepts_2,
    weights_3,
    intercepts_3,
):
    """Update the best song with the song x; also return the values that its gradient needs."""
    first, second, said = answers(
        x, base, weights_1, weights_2, intercepts_2, weights_3, intercepts_3
    )
    mean, off, doubt = agreed(said)
    moved = (x - origin) / deviations
    value = mean - doubt - penalty * op.ReduceSum(moved * moved, [1], keepdims=1)
    is_better = op.And(value > best_value, mean >= best_mean)
    best = op.Where(is_better, x, best)
    best_mean = op.Where(is_better, mean, best_mean)
    best_value = op.Where(is_better, value, best_value)
    return best, best_mean, best_value, first, second, off / doubt, moved


@script(default_opset=op)
def climb(
    start,
    origin,
    low,
    high,
    base,
    penalty,
    steps,
    reach,
    widths,
    deviations,
    weights_1,
    weights_2,
    intercepts_2,
    weights_3,
    intercepts_3,
):
    """The best song found from `start` and its mean; `origin` if nothing is better."""
    _, _, said = answers(origin, base, weights_1, weights_2, intercepts_2, weights_3, intercepts_3)
    mean, _, doubt = agreed(said)
    count = op.Cast(steps, to=IS_FLOAT)
    members = op.Cast(op.Shape(said, start=0, end=1), to=IS_FLOAT)
    nothing = op.Mul(origin, 0.0)
    # The loop carries one tensor: with several, the compiler's order of them varies between runs.
    state = op.Concat(start, nothing, nothing, origin, mean, mean - doubt, axis=1)
    for step in range(steps):
        x, momentum, velocity, best, best_mean, best_value = op.Split(state, widths, axis=1)
        best, best_mean, best_value, first, second, apart, moved = consider(
            x,
            origin,
            best,
            best_mean,
            best_value,
            base,
            penalty,
            deviations,
            weights_1,
            weights_2,
            intercepts_2,
            weights_3,
            intercepts_3,
        )
        by_net = (1.0 - apart) / members
        by_second = op.Where(second > 0.0, by_net * op.Transpose(weights_3, perm=[0, 2, 1]), 0.0)
        by_hidden = op.MatMul(by_second, op.Transpose(weights_2, perm=[0, 2, 1]))
        by_first = op.Where(first > 0.0, by_hidden, 0.0)
        by_input = op.MatMul(by_first, op.Transpose(weights_1, perm=[0, 2, 1]))
        # The gradient is taken in units of standard deviations, like the penalty.
        slope = op.ReduceSum(by_input, [0], keepdims=0) * deviations - 2.0 * penalty * moved

        done = op.Cast(step, to=IS_FLOAT)
        momentum = 0.9 * momentum + 0.1 * slope
        velocity = 0.999 * velocity + 0.001 * slope * slope
        pull = momentum / (1.0 - op.Pow(0.9, done + 1.0))
        # With Adam's usual epsilon of 1e-8, rounding errors would move features with no gradient.
        size = op.Sqrt(velocity / (1.0 - op.Pow(0.999, done + 1.0))) + 0.05
        stride = 2.0 * reach / count * (1.0 - done / count) * deviations
        x = op.Min(op.Max(x + stride * pull / size, low), high)
        state = op.Concat(x, momentum, velocity, best, best_mean, best_value, axis=1)
    x, _, _, best, best_mean, best_value = op.Split(state, widths, axis=1)
    best, best_mean, _, _, _, _, _ = consider(
        x,
        origin,
        best,
        best_mean,
        best_value,
        base,
        penalty,
        deviations,
        weights_1,
        weights_2,
        intercepts_2,
        weights_3,
        intercepts_3,
    )
    return best, best_mean


@script(default_opset=op)
def shares(
    start,
    end,
    base,
    ladder,
    weights_1,
    weights_2,
    intercepts_2,
    weights_3,
    intercepts_3,
):
    """What each change adds to the mean (n, d), averaged over an order and its reverse."""
    aside = op.Constant(value_ints=[1])
    _, _, said = answers(
        op.Where(ladder, end, start),
        op.Unsqueeze(base, aside),
        op.Unsqueeze(weights_1, aside),
        op.Unsqueeze(weights_2, aside),
        op.Unsqueeze(intercepts_2, aside),
        op.Unsqueeze(weights_3, aside),
        op.Unsqueeze(intercepts_3, aside),
    )
    mean = op.ReduceMean(said, [0], keepdims=0)
    up, down = op.Split(op.Squeeze(mean, [2]), num_outputs=2, axis=0)
    added = up[1:] - up[:-1] + down[:-1] - down[1:]
    return op.Where(op.Equal(start, end), 0.0, op.Transpose(added, perm=[1, 0]) * 0.5)


@script(default_opset=op)
def nearest(x, center, deviations, kept, squares):
    """The distance to the nearest reference song (n, 1), in standard deviations."""
    scaled = (x - center) / deviations
    own = op.ReduceSum(scaled * scaled, [1], keepdims=1)
    squared = own - 2.0 * op.MatMul(scaled, kept) + squares
    return op.Sqrt(op.Relu(op.ReduceMin(squared, [1], keepdims=1)))


@script(default_opset=op)
def optimizer(
    songs,
    lows,
    highs,
    max_changes,
    most,
    penalty,
    steps,
    reach,
    widths,
    center,
    deviations,
    ladder,
    kept,
    squares,
    fixed_weights,
    intercepts_1,
    weights_1,
    weights_2,
    intercepts_2,
    weights_3,
    intercepts_3,
):
    """The whole graph, see the module."""
    start = op.Slice(songs, [0], op.Slice(widths, [0], [1]), [1])
    fixed = op.Slice(songs, op.Slice(widths, [0], [1]), [2147483647], [1])
    base = op.MatMul(fixed, fixed_weights) + intercepts_1
    low = op.Max(start - max_changes, op.Min(lows, start))
    high = op.Min(start + max_changes, op.Max(highs, start))

    half = op.Div(steps, 2)
    tried, _ = climb(
        start,
        start,
        low,
        high,
        base,
        penalty,
        half,
        reach,
        widths,
        deviations,
        weights_1,
        weights_2,
        intercepts_2,
        weights_3,
        intercepts_3,
    )
    gains = shares(
        start, tried, base, ladder, weights_1, weights_2, intercepts_2, weights_3, intercepts_3
    )
    # A feature that cannot move must not count among those that may change.
    gains = op.Where(low < high, gains, -1e30)
    _, order = op.TopK(gains, op.Slice(widths, [0], [1]))
    _, rank = op.TopK(order, op.Slice(widths, [0], [1]), largest=0)
    may_change = rank < most
    optimized, after = climb(
        op.Where(may_change, tried, start),
        start,
        op.Where(may_change, low, start),
        op.Where(may_change, high, start),
        base,
        penalty,
        steps - half,
        reach,
        widths,
        deviations,
        weights_1,
        weights_2,
        intercepts_2,
        weights_3,
        intercepts_3,
    )
    effects = shares(
        start, optimized, base, ladder, weights_1, weights_2, intercepts_2, weights_3, intercepts_3
    )
    _, _, said = answers(start, base, weights_1, weights_2, intercepts_2, weights_3, intercepts_3)
    before, _, _ = agreed(said)
    distances = op.Concat(
        nearest(start, center, deviations, kept, squares),
        nearest(optimized, center, deviations, kept, squares),
        axis=1,
    )
    return optimized, before, after, effects, distances


Shape = list[str | int]
INPUTS: dict[str, tuple[int, Shape]] = {
    "songs": (TensorProto.FLOAT, ["n", "k"]),
    "lows": (TensorProto.FLOAT, ["n", "d"]),
    "highs": (TensorProto.FLOAT, ["n", "d"]),
    "max_changes": (TensorProto.FLOAT, ["n", "d"]),
    "most": (TensorProto.INT64, ["n", 1]),
    "penalty": (TensorProto.FLOAT, ["n", 1]),
    "steps": (TensorProto.INT64, []),
}
OUTPUTS: dict[str, tuple[int, Shape]] = {
    "optimized": (TensorProto.FLOAT, ["n", "d"]),
    "before": (TensorProto.FLOAT, ["n", 1]),
    "after": (TensorProto.FLOAT, ["n", 1]),
    "effects": (TensorProto.FLOAT, ["n", "d"]),
    "distances": (TensorProto.FLOAT, ["n", 2]),
}


def to_onnx(student: Student, deviations: np.ndarray, kept: np.ndarray) -> bytes:
    """Return the serialized graph that optimizes songs with a student.

    Args:
        student: fitted; its first d inputs may change.
        deviations: standard deviations of the features that may change, shape (d,).
        kept: the features that may change, of r reference songs, shape (r, d).
    """
    model = optimizer.to_model_proto(ir_version=IR_VERSION)
    graph = model.graph
    graph.name = "hitparade"
    # The compiler copies docstrings here, but equal models must have equal bytes.
    for part in (graph, *model.functions):
        part.ClearField("doc_string")
    names = dict(zip((value.name for value in graph.output), OUTPUTS, strict=True))
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    # The compiler does not know which inputs are parameters, nor their types and shapes.
    del graph.input[:], graph.output[:]
    sizes: dict[str | int, int] = {
        "k": student.nets_[0].layers_[0][0].shape[1],
        "d": len(deviations),
    }
    for place, values in ((graph.input, INPUTS), (graph.output, OUTPUTS)):
        place.extend(
            helper.make_tensor_value_info(name, type, [sizes.get(size, size) for size in shape])
            for name, (type, shape) in values.items()
        )
    graph.initializer.extend(
        numpy_helper.from_array(values, name)
        for name, values in _parameters(student, deviations, kept).items()
    )
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _parameters(
    student: Student, deviations: np.ndarray, kept: np.ndarray
) -> dict[str, np.ndarray]:
    free = len(deviations)
    first, second, third = (
        [np.stack(values) for values in zip(*layers, strict=True)]
        for layers in zip(*(net.layers_ for net in student.nets_), strict=True)
    )
    features, changes = np.arange(free), np.arange(free + 1)[:, None]
    # Centered, because the squares of large float32 numbers would not tell near songs apart.
    center = kept.mean(axis=0)
    scaled = (kept - center) / deviations
    numbers = {
        "reach": np.array(REACH),
        "center": center,
        "deviations": deviations,
        "kept": scaled.T,
        "squares": (scaled**2).sum(axis=1),
        "fixed_weights": first[0].transpose(0, 2, 1)[:, free:],
        "intercepts_1": first[1][:, None],
        "weights_1": first[0].transpose(0, 2, 1)[:, :free],
        "weights_2": second[0].transpose(0, 2, 1),
        "intercepts_2": second[1][:, None],
        "weights_3": third[0].transpose(0, 2, 1),
        "intercepts_3": third[1][:, None],
    }
    return {
        "widths": np.array([free, free, free, free, 1, 1]),
        # Row i: the features already changed after i changes, in one order and in its reverse.
        "ladder": np.concatenate([features < changes, features >= changes])[:, None],
    } | {name: values.astype(np.float32) for name, values in numbers.items()}
