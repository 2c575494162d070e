"""Small edits of ONNX graphs."""

from collections.abc import Iterator, Sequence

import onnx
from onnx import TensorProto, helper


def constant(graph: onnx.GraphProto, name: str, values: Sequence[int]) -> str:
    """Add a list of int64 to the parameters of a graph, and return its name."""
    graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
    return name


def rename(graph: onnx.GraphProto, name: str, wanted: str) -> None:
    """Rename a value of a graph and its inner graphs; another value of that name is renamed too."""
    if name == wanted:
        return
    names = {name: wanted, wanted: f"{wanted}_inside"}
    for node in nodes(graph):
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names.get(n, n) for n in node.output]
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                _rename_values(inner, names)
    _rename_values(graph, names)


def _rename_values(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        value.name = names.get(value.name, value.name)
    for tensor in graph.sparse_initializer:
        tensor.values.name = names.get(tensor.values.name, tensor.values.name)


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a graph and of its inner graphs, which may use its values."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from nodes(inner)


def remove_unused(graph: onnx.GraphProto) -> None:
    """Remove the nodes and parameters that no output needs."""
    wanted = {value.name for value in graph.output}
    for node in reversed([*graph.node]):
        if not wanted & set(node.output):
            graph.node.remove(node)
            continue
        wanted.update(node.input)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                for one in nodes(inner):
                    wanted.update(one.input)
                wanted.update(value.name for value in inner.output)
    used = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(used)


def cut_dictionaries(model: onnx.ModelProto) -> None:
    """Replace each ZipMap at the end of a graph by the numbers that it gets."""
    graph = model.graph
    makers = {node.output[0]: node for node in graph.node if node.op_type == "ZipMap"}
    maps = {output.name: makers[output.name] for output in graph.output if output.name in makers}
    for output in [*graph.output]:
        if output.name in maps:
            node = maps[output.name]
            graph.node.remove(node)
            place = [*graph.output].index(output)
            graph.output.remove(output)
            known = inner_types(model).get(node.input[0])
            type = TensorProto.FLOAT if known is None else known.elem_type
            value = helper.make_tensor_value_info(node.input[0], type, ["n", "m"])
            graph.output.insert(place, value)


def inner_types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto.Tensor]:
    """Return the types and shapes of the values that a graph computes, whatever it states."""
    inner = onnx.ModelProto.FromString(model.SerializeToString())
    del inner.graph.output[:]
    del inner.graph.value_info[:]
    found = onnx.shape_inference.infer_shapes(inner)
    tensors = [value for value in found.graph.value_info if value.type.HasField("tensor_type")]
    return {value.name: value.type.tensor_type for value in tensors}
