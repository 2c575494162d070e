"""Transforms: from raw scores to the prediction of a model, as the ONNX operators define it.

https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html
https://onnx.ai/onnx/operators/onnx__Softmax.html
"""

# The SQL of each transform; `s` is the list of raw scores. BINARY gets the probability of the
# second class and adds that of the first. LOGISTIC computes both from one raw score.
TRANSFORMS = {
    "NONE": "s",
    "BINARY": "[1 - s[1], s[1]]",
    "LOGISTIC": "[1 / (1 + exp(s[1])), 1 / (1 + exp(-s[1]))]",
    "SIGMOID": "list_transform(s, lambda v: 1 / (1 + exp(-v)))",
    "SOFTMAX": (
        "list_transform([list_transform(s, lambda v: exp(v - list_max(s)))], "
        "lambda e: list_transform(e, lambda v: v / list_sum(e)))[1]"
    ),
}
# The transform of each operator that may be the last of a net.
ENDINGS = {"Sigmoid": "SIGMOID", "Softmax": "SOFTMAX"}


def of_classifier(values: dict, raw_scores: int) -> str | None:
    """Return the transform of a regressor or classifier operator; None if SQL does not have it.

    Args:
        values: the attributes of the operator by name; a regressor has no class labels.
        raw_scores: how many raw scores it computes for a row.
    """
    labels = next((v for name, v in values.items() if name.startswith("classlabels_")), ())
    post = values.get("post_transform", "NONE")
    if len(labels) == 2 and raw_scores == 1:
        return {"NONE": "BINARY", "LOGISTIC": "LOGISTIC"}.get(post)
    return post if post in ("NONE", "SOFTMAX") else None
