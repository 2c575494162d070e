"""Test models of the ONNX standard that take one float32 matrix."""

import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests


def cases() -> list:
    """The test cases whose model takes one float32 input of two dimensions."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the cases compute overflows on purpose
        for kind in ("node", "simple", "pytorch-operator", "pytorch-converted"):
            found += load_model_tests(kind=kind)
    return [case for case in found if takes_rows(graph(case))]


def graph(case) -> onnx.ModelProto:
    return case.model or onnx.load(f"{case.model_dir}/model.onnx")


def takes_rows(found: onnx.ModelProto) -> bool:
    parameters = {tensor.name for tensor in found.graph.initializer}
    inputs = [i.type.tensor_type for i in found.graph.input if i.name not in parameters]
    return (
        len(inputs) == 1
        and inputs[0].elem_type == onnx.TensorProto.FLOAT
        and len(inputs[0].shape.dim) == 2
    )


def with_any_n(found: onnx.ModelProto) -> bytes:
    """The model with any number of rows, as exporters write it: the test cases fix the number."""
    free = onnx.ModelProto()
    free.CopyFrom(found)
    parameters = {tensor.name for tensor in free.graph.initializer}
    for tensor in [*free.graph.input, *free.graph.output]:
        if tensor.name not in parameters and tensor.type.tensor_type.shape.dim:
            tensor.type.tensor_type.shape.dim[0].dim_param = "n"
    del free.graph.value_info[:]
    return free.SerializeToString()


def example(case) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a test case and the scores that the standard expects for them."""
    if case.data_sets:
        (rows,), outputs = case.data_sets[0]
        # Integers beside numbers count as labels, which are dropped.
        numbers = [one for one in outputs if one.dtype.kind == "f"] or outputs
        return rows, np.hstack([np.reshape(one, (len(rows), -1)) for one in numbers])
    tensors = [onnx.TensorProto(), onnx.TensorProto()]
    for tensor, name in zip(tensors, ("input_0", "output_0"), strict=True):
        file = Path(case.model_dir, "test_data_set_0", f"{name}.pb")
        tensor.ParseFromString(file.read_bytes())
    return tuple(numpy_helper.to_array(tensor) for tensor in tensors)
