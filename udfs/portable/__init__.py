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

    The result has `kind`, `transform` (what turns raw scores into the output: NONE, LOGISTIC,
    SOFTMAX, BINARY) and the fields of its kind; None where the graph has no portable form.
    """
    nodes = onnx.load_from_string(content).graph.node
    if not nodes or nodes[0].op_type not in TRANSLATORS:
        return None
    if any(not _is_identity(node) for node in nodes[1:]):
        return None
    return TRANSLATORS[nodes[0].op_type](nodes[0])


def _is_identity(node: onnx.NodeProto) -> bool:
    """True for what converters append to probabilities: they sum to 1 already."""
    if node.op_type == "Normalizer":
        return [a.s for a in node.attribute if a.name == "norm"] == [b"L1"]
    return node.op_type in {"Cast", "Identity"}
