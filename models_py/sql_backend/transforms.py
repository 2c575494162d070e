"""Transforms: from raw scores to the answer of a model, as the ONNX operators define it.

https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html
https://onnx.ai/onnx/operators/onnx__Softmax.html
"""

# The SQL of each, with `s` for the list of raw scores. BINARY completes the probability of the
# second class with that of the first; LOGISTIC squashes one raw score into both.
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
# Operators that end a net, and the transform that each is.
ENDINGS = {"Sigmoid": "SIGMOID", "Softmax": "SOFTMAX"}


def of_classifier(values: dict, raw_scores: int) -> str | None:
    """Return the transform of an operator with class labels, None where SQL has no form of it.

    Args:
        values: its attributes by name.
        raw_scores: how many it computes for a row.
    """
    labels = next((v for name, v in values.items() if name.startswith("classlabels_")), ())
    post = values.get("post_transform", "NONE")
    if len(labels) == 2 and raw_scores == 1:
        return {"NONE": "BINARY", "LOGISTIC": "LOGISTIC"}.get(post)
    return post if post in ("NONE", "SOFTMAX") else None
