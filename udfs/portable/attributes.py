"""Attributes of an ONNX node as plain values."""

import onnx


def attributes(node: onnx.NodeProto) -> dict:
    """Return the attributes of a node by name, bytes as text."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: v.decode() if isinstance(v, bytes) else v for name, v in values.items()}


def transform(values: dict, raw_scores: int) -> str:
    """Return the transform of raw scores: a lone score of a classifier stands for two classes."""
    labels = values.get("classlabels_int64s") or values.get("classlabels_strings") or ()
    post = values.get("post_transform", "NONE")
    if post == "NONE" and len(labels) == 2 and raw_scores == 1:
        return "BINARY"
    return post
