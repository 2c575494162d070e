"""Linear models: LinearRegressor and LinearClassifier of the ONNX-ML operators.

https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html
"""

import numpy as np
import onnx

from udfs.portable.attributes import attributes, transform


def translate(node: onnx.NodeProto) -> dict:
    """Return `weights` (m lists of k) and `intercepts` (m), m raw scores over k features.

    A classifier of two classes stores both rows of weights, one the negative of the other; under
    LOGISTIC each is squashed on its own, so one row is enough.
    """
    values = attributes(node)
    intercepts = np.asarray(values["intercepts"], dtype=np.float32)
    weights = np.asarray(values["coefficients"], dtype=np.float32).reshape(len(intercepts), -1)
    if values.get("post_transform") == "LOGISTIC" and len(intercepts) == 2:
        weights, intercepts = weights[1:], intercepts[1:]
    return {
        "kind": "linear",
        "transform": transform(values, len(intercepts)),
        "weights": weights.tolist(),
        "intercepts": intercepts.tolist(),
    }
