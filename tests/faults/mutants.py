"""Broken or hostile ONNX graphs, made from valid ones.

A mutator gets a model and positions in it, as numbers from 0 to 1. It changes the model or returns
other bytes.
"""

import hypothesis.strategies as st
import numpy as np
import onnx
from hypothesis import reject
from onnx import AttributeProto, ModelProto, TensorProto, helper

NUMBERS = [0.0, -1.0, 1e30, -1e38, 3e38, float("nan"), float("inf"), float("-inf")]
IDS = [-1, 0, 1, 2, 5, 130, 10**6, 2**31 - 1, -(2**31), 2**40, 2**63 - 1]
OPERATORS = ["Relu", "Sigmoid", "Identity", "Softmax", "Gemm", "Loop", "If", "Scan", "RandomNormal"]
OPERATORS += ["TreeEnsembleRegressor", "TreeEnsembleClassifier", "LinearRegressor", "Scaler"]
OPERATORS += ["Transpose", "ReduceSum", "Reshape", "Normalizer", "ZipMap", "Nonsense", ""]
DOMAINS = ["", "ai.onnx.ml", "ai.onnx", "com.microsoft", "com.example", "ai.onnx.training"]
KINDS = [0, 1, 6, 7, 8, 9, 10, 11, 16, 99]
SIZES = [0, -1, 1, 3, 5, 10**6, 2**40, 2**63 - 1]


def pick(values, place: float):
    """Return the value at a relative position of a sequence."""
    return values[int(place * len(values))]


# Mutators of the bytes


def flip(content: bytes, at: list[float]) -> bytes:
    changed = bytearray(content)
    for place in at:
        changed[int(place * len(content))] ^= 1 << int(place * 1e9) % 8
    return bytes(changed)


def cut(content: bytes, at: list[float]) -> bytes:
    return content[: int(at[0] * len(content))]


def splice(content: bytes, at: list[float]) -> bytes:
    first, second, third = (int(place * len(content)) for place in at[:3])
    return content[:first] + content[second : second + 200] + content[third:]


def double(content: bytes, at: list[float]) -> bytes:
    """Repeat the model: protobuf merges both, so that lists grow."""
    return content + content[: int(at[0] * 2 * len(content))]


# Mutators of lists in the nodes


def lists(model: ModelProto, kind: int) -> list[AttributeProto]:
    attributes = [attribute for node in model.graph.node for attribute in node.attribute]
    return [attribute for attribute in attributes if attribute.type == kind]


def numbers(model: ModelProto, at: list[float]) -> None:
    """Change weights, thresholds or scales."""
    if found := lists(model, AttributeProto.FLOATS):
        values = pick(found, at[0]).floats
        for place in at[1:3]:
            if values:
                values[int(place * len(values))] = pick(NUMBERS, at[3])


def ids(model: ModelProto, at: list[float]) -> None:
    """Change ids of nodes, trees, features or classes."""
    if found := lists(model, AttributeProto.INTS):
        values = pick(found, at[0]).ints
        for place in at[1:3]:
            if values:
                values[int(place * len(values))] = pick([*IDS, pick(values, at[4])], at[3])


def shorter(model: ModelProto, at: list[float]) -> None:
    """Make one list shorter than the others."""
    found = [*lists(model, AttributeProto.INTS), *lists(model, AttributeProto.FLOATS)]
    if found:
        chosen = pick(found, at[0])
        values = chosen.ints or chosen.floats
        del values[int(at[1] * len(values)) :]


def longer(model: ModelProto, at: list[float]) -> None:
    found = [*lists(model, AttributeProto.INTS), *lists(model, AttributeProto.FLOATS)]
    if found:
        chosen = pick(found, at[0])
        values = chosen.ints or chosen.floats
        values.extend(list(values[: 1 + int(at[1] * 3)]))


def cycle(model: ModelProto, at: list[float]) -> None:
    """Make the root, or the node itself, the child of a tree node."""
    children = [a for a in lists(model, AttributeProto.INTS) if a.name.endswith("enodeids")]
    nodes = [a for a in lists(model, AttributeProto.INTS) if a.name == "nodes_nodeids"]
    if children and nodes:
        values = pick(children, at[0]).ints
        place = int(at[1] * len(values))
        values[place] = 0 if at[2] < 0.5 else nodes[0].ints[min(place, len(nodes[0].ints) - 1)]


def words(model: ModelProto, at: list[float]) -> None:
    """Change a comparison in a tree or the transformation of the scores."""
    texts = [b"BRANCH_EQ", b"BRANCH_GT", b"BRANCH_LT", b"LEAF", b"SOFTMAX", b"LOGISTIC", b"PROBIT"]
    texts += [b"NONE", b"MAX", b"", b"\xff\xfe"]
    if at[0] < 0.5:
        for attribute in lists(model, AttributeProto.STRINGS):
            attribute.strings[int(at[1] * len(attribute.strings))] = pick(texts, at[2])
    else:
        for attribute in lists(model, AttributeProto.STRING):
            attribute.s = pick(texts, at[2])


def drop(model: ModelProto, at: list[float]) -> None:
    """Remove an attribute of a node."""
    node = pick(model.graph.node, at[0])
    if node.attribute:
        del node.attribute[int(at[1] * len(node.attribute))]


def retype(model: ModelProto, at: list[float]) -> None:
    """Change the declared type of an attribute."""
    node = pick(model.graph.node, at[0])
    if node.attribute:
        pick(node.attribute, at[1]).type = int(at[2] * 15)


# Mutators of the graph


def operator(model: ModelProto, at: list[float]) -> None:
    pick(model.graph.node, at[0]).op_type = pick(OPERATORS, at[1])
    if at[2] < 0.3:
        pick(model.graph.node, at[0]).domain = pick(DOMAINS, at[3])


def domain(model: ModelProto, at: list[float]) -> None:
    pick(model.graph.node, at[0]).domain = pick(DOMAINS, at[1])


def rewire(model: ModelProto, at: list[float]) -> None:
    """Make a node read another value: its own output, a later one, or none."""
    names = [name for node in model.graph.node for name in [*node.input, *node.output]]
    node = pick(model.graph.node, at[0])
    node.input[int(at[1] * len(node.input))] = pick([*names, "nothing", ""], at[2])


def rename(model: ModelProto, at: list[float]) -> None:
    value = pick([*model.graph.input, *model.graph.output], at[0])
    value.name = pick(["features", "scores", "other", "", "a b", "'; drop"], at[1])


def reshape(model: ModelProto, at: list[float]) -> None:
    """Change the declared shape of the input or the output."""
    shape = pick([*model.graph.input, *model.graph.output], at[0]).type.tensor_type.shape
    if at[1] < 0.3:
        shape.dim.add().dim_value = pick(SIZES, at[2])
    elif shape.dim:
        pick(shape.dim, at[2]).dim_value = pick(SIZES, at[3])


def rekind(model: ModelProto, at: list[float]) -> None:
    value = pick([*model.graph.input, *model.graph.output], at[0])
    value.type.tensor_type.elem_type = pick(KINDS, at[1])


def more_inputs(model: ModelProto, at: list[float]) -> None:
    more = helper.make_tensor_value_info("more", TensorProto.FLOAT, [None, 2])
    (model.graph.input if at[0] < 0.5 else model.graph.output).append(more)


def nothing_left(model: ModelProto, at: list[float]) -> None:
    """Remove all nodes, inputs, outputs or operator sets."""
    part = pick(
        [model.graph.node, model.graph.input, model.graph.output, model.opset_import], at[0]
    )
    del part[:]


def versions(model: ModelProto, at: list[float]) -> None:
    model.ir_version = pick([0, 1, 3, 8, 10, 11, 999], at[0])
    if at[1] < 0.7 and model.opset_import:
        pick(model.opset_import, at[2]).version = pick([0, 1, 3, 5, 18, 25, 10**6, -1], at[3])


# Mutators of the parameters


def tensor(model: ModelProto, at: list[float]) -> None:
    """Change the shape, type or length of a parameter."""
    if model.graph.initializer:
        chosen = pick(model.graph.initializer, at[0])
        if at[1] < 0.4:
            chosen.dims[int(at[2] * len(chosen.dims))] = pick(SIZES, at[3])
        elif at[1] < 0.6:
            chosen.data_type = pick(KINDS, at[2])
        else:
            chosen.raw_data = chosen.raw_data[: int(at[2] * len(chosen.raw_data))]


def weights(model: ModelProto, at: list[float]) -> None:
    """Make a parameter NaN or far too large."""
    if model.graph.initializer:
        # Read it from its bytes: another mutator may have changed the declared type.
        chosen = pick(model.graph.initializer, at[0])
        content = chosen.raw_data
        values = np.frombuffer(content, dtype=np.float32, count=len(content) // 4).copy()
        if values.size:
            values[int(at[1] * values.size)] = pick(NUMBERS, at[2])
            chosen.raw_data = values.tobytes()


def external_file(model: ModelProto, at: list[float]) -> None:
    """Point a parameter to a file of the machine."""
    found = model.graph.initializer or [
        model.graph.initializer.add(name="w", data_type=1, dims=[1])
    ]
    chosen = pick(found, at[0])
    chosen.data_location = TensorProto.EXTERNAL
    path = pick(["/etc/passwd", "../../secret", "/dev/zero", "weights.bin", ""], at[1])
    chosen.external_data.add(key="location", value=path)


# Mutators of the computation


def append(model: ModelProto, node: onnx.NodeProto, *constants: TensorProto) -> None:
    """Let a new node compute the scores from the former scores."""
    for earlier in model.graph.node:
        earlier.output[:] = ["inner" if name == "scores" else name for name in earlier.output]
    model.graph.node.append(node)
    model.graph.initializer.extend(constants)
    model.opset_import.append(helper.make_opsetid("", 18))


def memory_bomb(model: ModelProto, at: list[float]) -> None:
    """Make the graph allocate far more memory than there is."""
    size = pick([10**9, 10**12, 2**62], at[0])
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [1, size])
    append(model, helper.make_node("Expand", ["inner", "shape"], ["scores"]), shape)


def random_scores(model: ModelProto, at: list[float]) -> None:
    append(model, helper.make_node("RandomNormalLike", ["inner"], ["scores"]))


def mixed_rows(model: ModelProto, at: list[float]) -> None:
    """Make the scores of a row depend on other rows."""
    operation = pick(["Softmax", "CumSum", "ReduceMax"], at[0])
    zero = helper.make_tensor("zero", TensorProto.INT64, [], [0])
    if operation == "Softmax":
        append(model, helper.make_node("Softmax", ["inner"], ["scores"], axis=0))
    elif operation == "CumSum":
        append(model, helper.make_node("CumSum", ["inner", "zero"], ["scores"]), zero)
    else:
        append(model, helper.make_node("ReduceMax", ["inner"], ["scores"], keepdims=1))


OF_BYTES = [flip, flip, cut, splice, double]
OF_MODELS = [numbers, ids, ids, ids, cycle, cycle, shorter, longer, words, drop, retype, operator]
OF_MODELS += [domain, rewire, rename, reshape, rekind, more_inputs, nothing_left, versions]
OF_MODELS += [tensor, weights, external_file, memory_bomb, random_scores, mixed_rows]
PLACES = st.lists(st.floats(0, 1, exclude_max=True), min_size=5, max_size=5)


@st.composite
def mutants(draw, models: list[bytes]) -> bytes:
    """Draw a model changed by one or two mutators, or bytes that are no model."""
    content = draw(st.sampled_from(models))
    kind = draw(st.integers(0, 99))
    if kind < 5:
        return draw(st.binary(max_size=200))
    if kind < 30:
        return draw(st.sampled_from(OF_BYTES))(content, draw(PLACES))
    model = onnx.load_from_string(content)
    for mutator in draw(st.lists(st.sampled_from(OF_MODELS), min_size=1, max_size=2)):
        if model.graph.node and model.graph.input and model.graph.output:
            try:
                mutator(model, draw(PLACES))
            except (IndexError, ValueError, ZeroDivisionError):
                reject()  # the previous mutator left nothing to change
    return model.SerializeToString()
