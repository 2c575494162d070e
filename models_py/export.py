"""Export of a fitted estimator to ONNX, checked against that estimator.

Every exported graph has one float32 input `features` (n, k) and one float32 output `scores` (n, m):
the prediction of a regression (m = 1), or the probability of each class.
"""

import copy

import numpy as np
import onnx
import onnxmltools
import onnxruntime
import skl2onnx
from onnxmltools.convert.common.data_types import FloatTensorType as XGBoostFloats
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator, is_classifier
from xgboost import XGBModel

from models_py.agreement import difference

MAX_BYTES = 32 * 2**20
# The largest `difference` allowed between a float32 graph and its float64 estimator. The relative
# precision of float32 is 6e-8.
TOLERANCE = 1e-5


class ExportError(RuntimeError):
    """A graph that must not be stored: it differs from its estimator, or is too large."""


def to_onnx(estimator: BaseEstimator, inputs: int) -> bytes:
    """Return the serialized ONNX graph of a fitted estimator.

    Args:
        estimator: fitted.
        inputs: number of features k.

    Raises:
        ExportError: the graph is larger than MAX_BYTES.
    """
    if hasattr(estimator, "to_onnx"):  # models_py.net.Net
        graph = estimator.to_onnx()
    elif isinstance(estimator, XGBModel):
        graph = onnxmltools.convert_xgboost(
            _without_names(estimator), initial_types=[("features", XGBoostFloats([None, inputs]))]
        )
    else:
        graph = skl2onnx.to_onnx(
            estimator,
            initial_types=[("features", FloatTensorType([None, inputs]))],
            options={"zipmap": False} if is_classifier(estimator) else None,
        )
    content = _with_one_output(graph).SerializeToString(deterministic=True)
    if len(content) > MAX_BYTES:
        raise ExportError(
            f"the model has {len(content) / 2**20:.0f} MB, and at most {MAX_BYTES // 2**20} MB are "
            "allowed: use fewer or shallower trees"
        )
    return content


def _without_names(estimator: XGBModel) -> XGBModel:
    """Return the model with numbered features, because the converter rejects other names."""
    if estimator.get_booster().feature_names is None:
        return estimator
    numbered = copy.deepcopy(estimator)
    numbered.get_booster().feature_names = None
    return numbered


def _with_one_output(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Name the last output `scores` and remove the others, such as the predicted label."""
    scores = graph.graph.output[-1]
    for node in graph.graph.node:
        # A label node may read the scores, so inputs are renamed too.
        node.input[:] = ["scores" if name == scores.name else name for name in node.input]
        node.output[:] = ["scores" if name == scores.name else name for name in node.output]
    del graph.graph.output[:-1]
    graph.graph.output[0].name = "scores"
    # Converters write a time or a random name here, but equal models must have equal bytes.
    graph.graph.name = "hitparade"
    onnx.checker.check_model(graph)
    return graph


def run(content: bytes, features: np.ndarray) -> np.ndarray:
    """Return the scores (n, m), float32, of an exported graph for features (n, k)."""
    return session(content).run(["scores"], {"features": features.astype(np.float32)})[0]


def session(content: bytes) -> onnxruntime.InferenceSession:
    """Return a single-threaded session of a serialized graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def predict(estimator: BaseEstimator, features: np.ndarray) -> np.ndarray:
    """Return the estimator's own predictions for features (n, k), in the shape of `scores`."""
    if is_classifier(estimator):
        return estimator.predict_proba(features)
    return estimator.predict(features).reshape(len(features), -1)


def check_parity(content: bytes, estimator: BaseEstimator, features: np.ndarray) -> float:
    """Return the largest `difference` between a graph and its estimator on features (n, k).

    Args:
        content: the serialized graph.
        estimator: the fitted estimator that was exported.
        features: shape (n, k).

    Raises:
        ExportError: a row differs by more than TOLERANCE.
    """
    found = difference(run(content, features), predict(estimator, features))
    worst = float(found.max())
    if not worst <= TOLERANCE:
        row = int(found.max(axis=1).argmax())
        raise ExportError(
            f"the ONNX graph of {type(estimator).__name__} differs from it by {worst:.2e} "
            f"in row {row}, and {TOLERANCE} is allowed: the model was not stored"
        )
    return worst
