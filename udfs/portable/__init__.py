"""The portable form of an ONNX graph: lists of parameters that pure SQL evaluates.

One module for each kind. `translate` says which kind serves a graph; a graph of no kind still runs
in the runtime lane.
"""

import onnx

from udfs.portable import linear, trees

# One translator for each operator that ends in scores: no discovery, no effects at a distance.
TRANSLATORS = {
    "LinearRegressor": linear.translate,
    "LinearClassifier": linear.translate,
    "TreeEnsembleRegressor": trees.translate,
    "TreeEnsembleClassifier": trees.translate,
}


def translate(content: bytes) -> dict | None:
    """Return the parameters of an ONNX graph with input `features` and output `scores`.

    The result has `kind`, `transform` (see `attributes.transform`) and the fields of its kind;
    None where the graph has no portable form.
    """
    graph = onnx.load_from_string(content).graph
    producers = {node.output[-1]: node for node in graph.node}
    node = producers.get(graph.output[0].name)
    while node is not None and _is_identity(node):
        node = producers.get(node.input[0])
    if node is None or node.op_type not in TRANSLATORS or node.input[0] != graph.input[0].name:
        return None
    found = TRANSLATORS[node.op_type](node)
    return found if found and found["transform"] else None


def _is_identity(node: onnx.NodeProto) -> bool:
    """True for what converters append to probabilities: they sum to 1 already."""
    if node.op_type == "Normalizer":
        return [a.s for a in node.attribute if a.name == "norm"] == [b"L1"]
    return node.op_type == "Identity"
