"""Bring the inputs of a graph into the registry's form: one input `features` (n, k) of numbers.

A graph of several inputs reads its columns of `features`. Text becomes a one-hot group: an input
for each text that the graph knows, and one for all others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models_py.columns import another, member
from models_py.graph_edits import constant, rename
from udfs.graphs import Refusal

MAX_INPUTS = 100_000
NUMBERS = {
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.BOOL,
}
WHOLE = {TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL}
# Types whose values float32 holds.
SMALL = {TensorProto.FLOAT, TensorProto.BOOL, TensorProto.STRING}
WANTED = (
    "a model takes inputs of numbers or text with shape (n, 1) or (n, k), with any n and a fixed k"
)
# Operators that move texts, and those that compare them with known ones.
PASSING = {
    "ArrayFeatureExtractor",
    "Concat",
    "Flatten",
    "Gather",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}
COMPARING = {"CategoryMapper", "Equal", "LabelEncoder", "OneHotEncoder"}
# The text that stands for all texts that a graph does not know.
OTHER_TEXT = "\u0001 another text"


@dataclass(frozen=True)
class Input:
    """An input of a graph that takes `width` columns of `features`."""

    name: str
    type: int
    rank: int
    width: int
    texts: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        if self.type == TensorProto.STRING:
            return [*(member(self.name, text) for text in self.texts), another(self.name)]
        if self.width == 1:
            return [self.name]
        return [f"{self.name}_{place + 1}" for place in range(self.width)]

    def values(self, columns: np.ndarray) -> np.ndarray:
        """Return what the graph gets for its columns of `features`."""
        if self.type == TensorProto.STRING:
            texts = np.array([*self.texts, OTHER_TEXT], dtype=object)
            found = texts[columns.argmax(axis=1)][:, None]
        else:
            found = columns.astype(helper.tensor_dtype_to_np_dtype(self.type))
        return found if self.rank == 2 else found.ravel()


@dataclass(frozen=True)
class Inputs:
    """The inputs of a graph in order, and the names of their columns, if the graph has any."""

    inputs: list[Input]
    names: list[str] | None

    @property
    def whole(self) -> list[int]:
        """The places of whole numbers and booleans among the features: they are never missing."""
        kinds = [one.type for one in self.inputs for _ in one.columns]
        return [place for place, kind in enumerate(kinds) if kind in WHOLE]

    def feeds(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return the inputs by name for features (n, k)."""
        ends = np.cumsum([len(one.columns) for one in self.inputs])
        parts = np.split(rows, ends[:-1], axis=1)
        return {one.name: one.values(part) for one, part in zip(self.inputs, parts, strict=True)}


def join_inputs(model: onnx.ModelProto, width: int | None) -> Inputs:
    """Make `features` the only input, and return what the inputs were.

    Args:
        model: is changed.
        width: the number of features that the caller named; None if unknown.

    Raises:
        Refusal: an input has another type or shape.
    """
    graph = model.graph
    parameters = {tensor.name for tensor in graph.initializer}
    given = [value for value in graph.input if value.name not in parameters]
    inputs = [_input(graph, value, width if len(given) == 1 else None) for value in given]
    total = sum(len(one.columns) for one in inputs)
    if not 1 <= total <= MAX_INPUTS:
        raise Refusal(f"{WANTED}, together 1 to {MAX_INPUTS} columns, and this one has {total}")
    is_float = all(one.type in SMALL for one in inputs)
    type = TensorProto.FLOAT if is_float else TensorProto.DOUBLE
    # Shapes inside that were annotated for a fixed batch or for other inputs no longer hold.
    del graph.value_info[:]
    (first, *others) = inputs
    if not others and first.type == type and first.rank == 2:
        rename(graph, first.name, "features")
        names = None if total > 1 else [first.name]
    else:
        rename(graph, "features", "features_inside")
        _join(graph, inputs, type)
        names = [column for one in inputs for column in one.columns]
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("features", type, ["n", total]))
    return Inputs(inputs, names)


def _join(graph: onnx.GraphProto, inputs: list[Input], type: int) -> None:
    """Compute several inputs from their columns of `features`."""
    start = 0
    nodes: list[onnx.NodeProto] = []
    for one in inputs:
        name = "features_inside" if one.name == "features" else one.name
        nodes += _read(graph, one, name, type, start)
        start += len(one.columns)
    before = [*nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(before)


def _input(graph: onnx.GraphProto, value: onnx.ValueInfoProto, width: int | None) -> Input:
    tensor = value.type.tensor_type
    sizes = [size.dim_value or size.dim_param or None for size in tensor.shape.dim]
    is_known = tensor.elem_type in NUMBERS or tensor.elem_type == TensorProto.STRING
    if not value.type.HasField("tensor_type") or not is_known:
        kind = TensorProto.DataType.Name(tensor.elem_type).lower() if tensor.elem_type else "other"
        raise Refusal(f"{WANTED}, and input {value.name!r} is {kind}")
    if len(sizes) not in (1, 2) or isinstance(sizes[0], int):
        raise Refusal(f"{WANTED}, and input {value.name!r} has shape {sizes}")
    columns = sizes[1] if len(sizes) == 2 else 1
    if not isinstance(columns, int):
        columns = width
    if columns is None:
        raise Refusal(
            f"{WANTED}, and input {value.name!r} has shape {sizes}: give the names of its inputs"
        )
    texts: tuple[str, ...] = ()
    if tensor.elem_type == TensorProto.STRING:
        if columns != 1:
            raise Refusal(
                f"input {value.name!r} has {columns} columns of text: export the model with an "
                "input for each column"
            )
        texts = tuple(sorted(set(_known_texts(graph, value.name))))
    return Input(value.name, tensor.elem_type, len(sizes), columns, texts)


def _read(
    graph: onnx.GraphProto, one: Input, name: str, type: int, start: int
) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that compute an input from its columns of `features`."""
    count = len(one.columns)
    part = f"{name}_columns"
    places = constant(graph, f"{name}_places", range(start, start + count))
    yield helper.make_node("Gather", ["features", places], [part], axis=1)
    if one.type == TensorProto.STRING:
        texts = np.array([*one.texts, OTHER_TEXT], dtype=object)
        tensor = numpy_helper.from_array(texts, f"{name}_texts")
        graph.initializer.append(tensor)
        yield helper.make_node("ArgMax", [part], [f"{name}_place"], axis=1, keepdims=1)
        yield helper.make_node("Gather", [tensor.name, f"{name}_place"], [f"{name}_typed"])
    elif one.type != type:
        yield helper.make_node("Cast", [part], [f"{name}_typed"], to=one.type)
    else:
        yield helper.make_node("Identity", [part], [f"{name}_typed"])
    if one.rank == 1:
        shape = constant(graph, f"{name}_shape", [-1])
        yield helper.make_node("Reshape", [f"{name}_typed", shape], [name])
    else:
        yield helper.make_node("Identity", [f"{name}_typed"], [name])


def _known_texts(graph: onnx.GraphProto, name: str) -> Iterator[str]:
    """Yield the texts that operators behind an input compare with.

    Raises:
        Refusal: an operator does more with a text than to compare it with known ones.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    reached = {name}
    for node in graph.node:  # in topological order
        if not reached & set(node.input):
            continue
        if node.op_type in PASSING:
            reached |= set(node.output)
            continue
        if node.op_type not in COMPARING:
            raise Refusal(
                f"the operator {node.op_type} changes the text of input {name!r}, so the texts "
                "that it knows cannot be listed: prepare texts before, and export one-hot or label "
                "encoders"
            )
        for attribute in node.attribute:
            if attribute.name in ("cats_strings", "keys_strings"):
                yield from (text.decode() for text in attribute.strings)
            if attribute.name == "keys_tensor":
                yield from _texts(attribute.t)
        for other in node.input:
            if other in constants:
                yield from _texts(constants[other])


def _texts(tensor: onnx.TensorProto) -> list[str]:
    if tensor.data_type != TensorProto.STRING:
        return []
    values = numpy_helper.to_array(tensor).ravel().tolist()
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]
