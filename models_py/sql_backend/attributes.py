"""The attributes of an ONNX node as plain values, and the parameters that SQL can compute with."""

import numpy as np
import onnx

# With larger parameters the float32 of ONNX Runtime may overflow between two operators, while the
# float64 of SQL does not, so the backends would differ. Trained parameters are far smaller.
LARGEST = 1e12


def is_computable(*parameters: np.ndarray) -> bool:
    """True if both backends compute the same with these parameters: no NaN, none above LARGEST."""
    return all((np.abs(found) <= LARGEST).all() for found in parameters)


def attributes(node: onnx.NodeProto) -> dict:
    """Return the attributes of a node by name; bytes are decoded to text."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: v.decode() if isinstance(v, bytes) else v for name, v in values.items()}
