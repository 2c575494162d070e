"""Products of matrices on one thread.

NumPy's own use all cores, and its threads wait busily for the next product. DuckDB runs vectors in
parallel itself.
"""

from functools import cache

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from udfs.runtime.sessions import session


def product(transposed: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the product of a transposed matrix (k, n) and another (k, m), all float32."""
    return _graph().run(None, {"a": transposed, "b": right})[0]


@cache
def _graph() -> onnxruntime.InferenceSession:
    a, b, c = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in "abc"
    )
    node = helper.make_node("Gemm", ["a", "b"], ["c"], transA=1)
    graph = helper.make_graph([node], "product", [a, b], [c])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return session(model.SerializeToString())
