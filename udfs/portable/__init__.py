"""The portable form of an ONNX graph: lists of parameters that pure SQL evaluates.

One module for each kind. A graph of no kind still runs in the runtime lane.
"""

import onnx
from onnx import numpy_helper

from udfs.portable import net, trees


def translate(content: bytes) -> dict | None:
    """Return the parameters of an ONNX graph with input `features` and output `scores`.

    The result has `kind`, `transform` (see `attributes.transform`) and the fields of its kind;
    None where the graph has no portable form.
    """
    graph = onnx.load_from_string(content).graph
    chain = _chain(graph)
    if chain is None:
        return None
    if chain[-1].op_type in ("TreeEnsembleRegressor", "TreeEnsembleClassifier"):
        found = trees.translate(chain[-1]) if len(chain) == 1 else None
    else:
        constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
        found = net.translate(chain, constants)
    return found if found and found["transform"] else None


def _chain(graph: onnx.GraphProto) -> list[onnx.NodeProto] | None:
    """The nodes from features to scores, each fed by the one before; None where there is a fork."""
    producers = {name: node for node in graph.node for name in node.output}
    chain, name = [], graph.output[0].name
    while name != graph.input[0].name:
        if name not in producers:
            return None
        node = producers[name]
        if not _is_identity(node):
            chain.insert(0, node)
        name = node.input[0]
    return chain or None


def _is_identity(node: onnx.NodeProto) -> bool:
    """True for what converters append to probabilities: they sum to 1 already."""
    if node.op_type == "Normalizer":
        return [a.s for a in node.attribute if a.name == "norm"] == [b"L1"]
    return node.op_type == "Identity"
