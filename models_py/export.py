"""Export of a fitted estimator to ONNX, checked against the estimator it came from.

Every exported graph has one float32 input `features` (n, k) and one float32 output `scores`
(n, m): the number for a regression, the probability of each class for a classification.
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

MAX_BYTES = 32 * 2**20
# Largest `difference` allowed between a float32 graph and its float64 estimator; float32 itself
# resolves 6e-8.
TOLERANCE = 1e-5


class ExportError(RuntimeError):
    """A graph that must not be stored: it disagrees with its estimator, or is too large."""


def to_onnx(estimator: BaseEstimator, inputs: int) -> bytes:
    """Return the ONNX graph of a fitted estimator with `inputs` float features.

    Raises:
        ExportError: the graph is larger than MAX_BYTES.
    """
    if hasattr(estimator, "to_onnx"):  # a net of ours
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
            f"the model has {len(content) / 2**20:.0f} MB, more than {MAX_BYTES // 2**20}: "
            "use fewer or shallower trees"
        )
    return content


def _without_names(estimator: XGBModel) -> XGBModel:
    """The same model on numbered features: the converter refuses names of its own."""
    if estimator.get_booster().feature_names is None:
        return estimator
    numbered = copy.deepcopy(estimator)
    numbered.get_booster().feature_names = None
    return numbered


def _with_one_output(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Keep the scores, which converters put last, under the name `scores`; drop the label."""
    scores = graph.graph.output[-1]
    for node in graph.graph.node:
        # A label may be made from the scores.
        node.input[:] = ["scores" if name == scores.name else name for name in node.input]
        node.output[:] = ["scores" if name == scores.name else name for name in node.output]
    del graph.graph.output[:-1]
    graph.graph.output[0].name = "scores"
    # Converters write their own time or name here; equal models must have equal bytes.
    graph.graph.name = "hitparade"
    onnx.checker.check_model(graph)
    return graph


def run(content: bytes, features: np.ndarray) -> np.ndarray:
    """Return the scores (n, m) of an exported graph for features (n, k)."""
    return session(content).run(["scores"], {"features": features.astype(np.float32)})[0]


def session(content: bytes) -> onnxruntime.InferenceSession:
    """Return a graph ready to run, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def predict(estimator: BaseEstimator, features: np.ndarray) -> np.ndarray:
    """Return what the estimator itself answers, in the shape of `scores` (n, m)."""
    if is_classifier(estimator):
        return estimator.predict_proba(features)
    return estimator.predict(features).reshape(len(features), -1)


def difference(scores: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return how far scores (n, m) are from those expected, relative to their size.

    The size is that of the answer or of the mean answer, whichever is larger, and at least 1: an
    answer near zero may be the sum of terms that are not.
    """
    size = np.maximum(np.abs(expected), max(1, np.abs(expected).mean()))
    return np.abs(scores - expected) / size


def check_parity(content: bytes, estimator: BaseEstimator, features: np.ndarray) -> float:
    """Return the largest `difference` between a graph and its estimator on features (n, k).

    Raises:
        ExportError: a row differs by more than TOLERANCE.
    """
    found = difference(run(content, features), predict(estimator, features))
    worst = float(found.max())
    if not worst <= TOLERANCE:
        row = int(found.max(axis=1).argmax())
        raise ExportError(
            f"the ONNX graph of {type(estimator).__name__} differs from it by {worst:.2e} "
            f"in row {row}, more than {TOLERANCE}: the model was not stored"
        )
    return worst
