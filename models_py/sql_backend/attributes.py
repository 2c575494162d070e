"""Attributes of an ONNX node as plain values, and which parameters SQL computes with."""

import numpy as np
import onnx

# Beyond it float32 may overflow between two operators where the float64 of SQL does not, and the
# two would answer differently. No parameter that training found is near it.
LARGEST = 1e12


def is_computable(*parameters: np.ndarray) -> bool:
    """True where all parameters are numbers of a size that both lanes compute with alike."""
    return all((np.abs(found) <= LARGEST).all() for found in parameters)


def attributes(node: onnx.NodeProto) -> dict:
    """Return the attributes of a node by name, bytes as text."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: v.decode() if isinstance(v, bytes) else v for name, v in values.items()}
