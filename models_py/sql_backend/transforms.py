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
