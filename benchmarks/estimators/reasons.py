"""The reasons of refusals in a few words."""

import re

# Words of a message, and the reason for the table; the first match counts.
REASONS = {
    r"differs from what is expected|expected has shape|file itself cannot be run": (
        "the file answers otherwise than its source"
    ),
    r"reaches the estimator as it is": "a column of text has no encoder",
    r"gblinear booster": "a gblinear booster has no trees",
    r"splits by category": "it splits by category",
    r"neither predict nor transform": "it has neither predict nor transform",
    r"skl2onnx does not convert it": "skl2onnx has no converter for it",
    r"has no complete ONNX form": "skl2onnx does not convert this form of it",
    r"differs from it|ONNX graph gives": "its graph gives other answers",
    r"is float16": "its input is float16",
    r"is not valid ONNX": "the graph is not valid ONNX",
    r"MB, and a model may have": "its graph is too large",
    r"onnxruntime cannot run|ONNXRuntimeError": "onnxruntime does not run the graph",
}
# What comes before the reason in a message, and how much of an unknown one the table shows.
BEFORE = re.compile(r"^the \w+ (was not stored|cannot be exported): ")
LONGEST = 80


def reason(message: str) -> str:
    """Return the reason of a refusal in a few words; a message that is not known is cut."""
    known = (words for said, words in REASONS.items() if re.search(said, message))
    return next(known, BEFORE.sub("", message).split("\n")[0][:LONGEST])
