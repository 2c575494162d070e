"""Checks of an ONNX graph that run both when it is stored and when it is loaded."""

from collections.abc import Iterator, Sequence

import onnx
from onnx import TensorProto, helper

# The key of the metadata that lists the features that may be missing.
MISSING_KEY = "hitparade.missing"


class Refusal(Exception):
    """A graph is not accepted; the message names the reason and the next step."""


def set_missing(model: onnx.ModelProto, places: Sequence[int]) -> None:
    """Note in a graph which features may be missing, so that its hash pins them too."""
    if places:
        helper.set_model_props(model, {MISSING_KEY: ",".join(map(str, places))})


def refuse_other_files(model: onnx.ModelProto) -> None:
    """Refuse a model whose parameters are stored in other files.

    Raises:
        Refusal: the model refers to another file.
    """
    for graph in graphs(model):
        attributes = [a for node in graph.node for a in node.attribute]
        sparse = [*graph.sparse_initializer, *(a.sparse_tensor for a in attributes)]
        sparse += [s for a in attributes for s in a.sparse_tensors]
        tensors = [*graph.initializer, *(a.t for a in attributes)]
        tensors += [t for a in attributes for t in a.tensors]
        tensors += [t for s in sparse for t in (s.values, s.indices)]
        for tensor in tensors:
            if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL:
                raise Refusal(
                    f"the parameters {tensor.name!r} are in another file, which is never read: "
                    "save the model as one file, without external data"
                )


def graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """Yield the graph of a model, its functions, and the graphs inside their nodes."""
    waiting = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        if isinstance(graph, onnx.FunctionProto):
            graph = onnx.GraphProto(node=graph.node)
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs
