"""The reasons of refusals in a few words."""

import re

# Words of a message, and the reason for the table; the first match counts.
REASONS = {
    r"differs from it by": "its graph gives other answers",
    r"of finite numbers": "values are missing",
    r"could not convert string": "a column has texts",
    r"Unable to find a shape calculator": "skl2onnx has no converter for it",
    r"has no attribute 'predict_proba'": "it gives no probabilities",
    r"has no attribute 'predict'": "it gives no predictions",
    r"'gbtree_model_param'": "onnxmltools does not convert this booster",
    r"Unable to find column name": "it takes columns by their names",
    r"this one has \d+ inputs": "the graph has an input for each column",
    r"output_probability \(sequence\)|probabilities \(sequence\)": "the graph has a ZipMap",
    r"needs exactly one float32 output": "the graph has several outputs",
    r"is not float32": "its input is not float32",
    r"has shape \[1, ": "the number of rows is fixed",
    r"has shape \[None, None\]": "the number of inputs is not fixed",
    r"is not valid ONNX": "the graph is not valid ONNX",
    r"Option 'zipmap'": "skl2onnx takes no option zipmap for it",
    r"names were given": "the graph has another number of outputs",
    r"flatten_transform|not supported|only support|Only binary|sparse outputs|target_opset"
    r"|invalid literal": "skl2onnx does not convert this form of it",
    r"MB are allowed": "its graph is too large",
    r"operands could not be broadcast|unsupported operand": "it gives several labels at once",
    r"onnxruntime cannot run|ONNXRuntimeError": "onnxruntime does not run the graph",
}
# What comes before the reason in a message, and how much of an unknown one the table shows.
BEFORE = re.compile(r"^the \w+ (was not stored|cannot be exported): ")
LONGEST = 80


def reason(message: str) -> str:
    """Return the reason of a refusal in a few words; a message that is not known is cut."""
    known = (words for said, words in REASONS.items() if re.search(said, message))
    return next(known, BEFORE.sub("", message).split("\n")[0][:LONGEST])
