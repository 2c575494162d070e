"""The attributes of an ONNX node as plain values, and the parameters that SQL can compute with."""

import numpy as np
import onnx
from onnx import numpy_helper

# With larger parameters the float32 of ONNX Runtime may overflow between two operators, while the
# float64 of SQL does not, so the backends would differ. Trained parameters are far smaller.
LARGEST = 1e12


class NotInSQL(Exception):
    """The graph is well-formed, and the SQL backend cannot evaluate it."""


def check(holds: bool, reason: str) -> None:
    """Raise NotInSQL with a reason unless a condition holds."""
    if not holds:
        raise NotInSQL(reason)


def check_computable(*parameters: np.ndarray) -> None:
    """Check that both backends compute the same with these: no NaN, none above LARGEST."""
    for found in parameters:
        check(bool((np.abs(found) <= LARGEST).all()), "a parameter is NaN or very large")


def attributes(node: onnx.NodeProto) -> dict:
    """Return the attributes of a node by name; bytes are decoded to text, tensors to arrays."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
