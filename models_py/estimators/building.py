"""A short way to write the nodes of a converter of skl2onnx."""

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Scope


class Builder:
    """Adds nodes to a graph; its numbers are float64 or float32."""

    BOOL = TensorProto.BOOL

    def __init__(self, scope: Scope, container: ModelComponentContainer, is_double: bool):
        """Take what skl2onnx gives to a converter."""
        self._scope = scope
        self._container = container
        self._kind = TensorProto.DOUBLE if is_double else TensorProto.FLOAT

    def constant(self, values: np.ndarray) -> str:
        """Add a constant of numbers, and return its name."""
        return self._constant(values, self._kind)

    def places(self, values: np.ndarray) -> str:
        """Add a list of places, from 0, and return its name."""
        return self._constant(values, TensorProto.INT64)

    def _constant(self, values: np.ndarray, kind: int) -> str:
        name = self._scope.get_unique_variable_name("constant")
        self._container.add_initializer(name, kind, list(values.shape), values.ravel().tolist())
        return name

    def add(self, type: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node, and return the name of its output, which may be given."""
        found = output or self._scope.get_unique_variable_name(type.lower())
        name = self._scope.get_unique_operator_name(type)
        self._container.add_node(type, list(inputs), found, name=name, **attributes)
        return found

    def cast(self, value: str, kind: int | None = None, output: str | None = None) -> str:
        """Add a cast, by default to the type of the numbers."""
        return self.add("Cast", value, output=output, to=self._kind if kind is None else kind)
