"""Bring the outputs of a graph into the registry's form: one output `scores` (n, m) of numbers.

A classifier's label is dropped if it is always the likeliest one. Otherwise its place among the
classes becomes a further score. ZipMap, which makes a dictionary of each row, is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models_py.graph_edits import constant, nodes, remove_unused, rename
from udfs.graphs import Refusal

# The first version of the operator Equal that compares texts.
EQUAL_OF_TEXT = 19
FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE}
DISCRETE = {TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, TensorProto.STRING}
CLASSES = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")


@dataclass
class Outputs:
    """The outputs of a graph by their meaning.

    Attributes:
        scores: the names of the outputs of numbers.
        label: the output of labels beside them; None if there is none.
        classes: the labels in the order of the scores, if the graph names them.
    """

    scores: list[str]
    label: str | None
    classes: list[str | int] | None


def find_outputs(model: onnx.ModelProto, classes: list[str | int] | None) -> Outputs:
    """Return the outputs by their meaning.

    Raises:
        Refusal: an output is no tensor, or there is none of numbers.
    """
    scores: list[onnx.ValueInfoProto] = []
    discrete: list[onnx.ValueInfoProto] = []
    for value in model.graph.output:
        kind = value.type.tensor_type.elem_type if value.type.HasField("tensor_type") else None
        if kind not in FLOATS | DISCRETE:
            said = ", ".join(f"{one.name} ({_kind(one)})" for one in model.graph.output)
            raise Refusal(
                f"a model gives numbers and labels, and this one gives {said}: export it with "
                "outputs of numbers"
            )
        (scores if kind in FLOATS else discrete).append(value)
    if not scores:
        numbers = [v for v in discrete if v.type.tensor_type.elem_type != TensorProto.STRING]
        if not numbers:
            raise Refusal("the model gives only labels: export it with its scores too")
        return Outputs([value.name for value in numbers], None, None)
    label = discrete[0].name if len(discrete) == 1 and len(scores) == 1 else None
    return Outputs([value.name for value in scores], label, classes)


def class_labels(graph: onnx.GraphProto) -> list[str | int] | None:
    """Return the class labels of a graph in order: of a classifier, a ZipMap, or a list of them."""
    for node in reversed([*nodes(graph)]):
        for attribute in node.attribute:
            values = attribute.strings or attribute.ints
            if attribute.name in CLASSES and values:
                return [v.decode() if isinstance(v, bytes) else int(v) for v in values]
    return _chosen_labels(graph)


def _chosen_labels(graph: onnx.GraphProto) -> list[str | int] | None:
    """Return the list from which a graph chooses its label by the place of the largest score."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for output in graph.output:
        node = makers.get(output.name)
        while node is not None and node.op_type in ("Cast", "Reshape", "Squeeze", "Identity"):
            node = makers.get(node.input[0])
        if node is None or node.op_type not in ("ArrayFeatureExtractor", "Gather"):
            continue
        known = constants.get(node.input[0])
        if known is not None and known.data_type in (TensorProto.STRING, TensorProto.INT64):
            values = numpy_helper.to_array(known).ravel().tolist()
            return [v.decode() if isinstance(v, bytes) else v for v in values]
    return None


def keep_scores(
    model: onnx.ModelProto,
    outputs: Outputs,
    widths: Sequence[int],
    two_sided: str | None,
    keep_label: bool,
) -> list[str] | None:
    """Make `scores` the only output, and return the names of several outputs.

    Args:
        model: is changed.
        outputs: what to keep.
        widths: the number of columns of each output of numbers.
        two_sided: how one score becomes those of two classes: `probability`, `decision`, or None.
        keep_label: whether the label becomes a further score.

    Raises:
        Refusal: the label is kept, and the graph does not name its classes.
    """
    graph = model.graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.output}
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in graph.output}
    parts = [_before_casts(graph, name, kinds[name]) for name in outputs.scores]
    is_float = all(kind == TensorProto.FLOAT for _, kind in parts)
    type = TensorProto.FLOAT if is_float else TensorProto.DOUBLE
    total = sum(widths) + bool(two_sided) + keep_label
    name, kind = parts[0]
    is_computed = any(name in node.output for node in graph.node)
    is_alone = len(parts) == 1 and total == widths[0] and is_computed
    if is_alone and ranks[outputs.scores[0]] == 2 and kind == type:
        rename(graph, parts[0][0], "scores")
    else:
        rename(graph, "scores", "scores_inside")
        names = [
            _column(graph, "scores_inside" if name == "scores" else name, kind, type, width)
            for (name, kind), width in zip(parts, widths, strict=True)
        ]
        if two_sided:
            names.insert(0, _other_side(graph, names[0], two_sided, type))
        if keep_label:
            opset = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
            names.append(_label_places(graph, outputs, type, opset))
        graph.node.append(helper.make_node("Concat", names, ["scores"], axis=1))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("scores", type, ["n", total]))
    graph.name = "hitparade"
    remove_unused(graph)
    if len(outputs.scores) == 1:
        return None
    return [
        name if width == 1 else f"{name}_{place + 1}"
        for name, width in zip(outputs.scores, widths, strict=True)
        for place in range(width)
    ]


def _before_casts(graph: onnx.GraphProto, name: str, kind: int) -> tuple[str, int]:
    """Return the value before nodes at the end that only widen it, and its type."""
    producers = {output: node for node in graph.node for output in node.output}
    while name in producers and producers[name].input and producers[name].input[0] in producers:
        node = producers[name]
        before = producers[node.input[0]]
        is_widened = (
            node.op_type == "Cast"
            and kind == TensorProto.DOUBLE
            and before.op_type.startswith("TreeEnsemble")
        )
        if node.op_type != "Identity" and not is_widened:
            break
        name, kind = node.input[0], TensorProto.FLOAT if is_widened else kind
    return name, kind


def _column(graph: onnx.GraphProto, name: str, kind: int, type: int, width: int) -> str:
    """Give an output the wanted type, and the shape (n, width)."""
    if kind != type:
        graph.node.append(helper.make_node("Cast", [name], [f"registry_{name}_cast"], to=type))
        name = f"registry_{name}_cast"
    shape = constant(graph, f"registry_{name}_shape", [-1, width])
    graph.node.append(helper.make_node("Reshape", [name, shape], [f"registry_{name}_column"]))
    return f"registry_{name}_column"


def _other_side(graph: onnx.GraphProto, part: str, two_sided: str, type: int) -> str:
    """Add the score of the first of two classes: 1 - p or -d."""
    if two_sided == "decision":
        graph.node.append(helper.make_node("Neg", [part], ["score_of_first"]))
    else:
        graph.initializer.append(helper.make_tensor("one", type, [1], [1.0]))
        graph.node.append(helper.make_node("Sub", ["one", part], ["score_of_first"]))
    return "score_of_first"


def _label_places(graph: onnx.GraphProto, outputs: Outputs, type: int, opset: int) -> str:
    """Add the place of the label among the classes, from 0."""
    if outputs.classes is None or outputs.label is None:
        raise Refusal(
            "the model's label is not always that of its largest score, and it does not name its "
            "classes: export it with the names of its classes"
        )
    shape = constant(graph, "label_shape", [-1, 1])
    graph.node.append(helper.make_node("Reshape", [outputs.label, shape], ["label_column"]))
    if isinstance(outputs.classes[0], str):
        if opset < EQUAL_OF_TEXT:
            raise Refusal(
                "the model's label is not always that of its largest score, and its operators are "
                f"too old to compare texts: export it with opset {EQUAL_OF_TEXT} or later"
            )
        kind = TensorProto.STRING
        values: list = [str(label).encode() for label in outputs.classes]
    else:
        kind, values = TensorProto.INT64, outputs.classes
    count = len(values)
    graph.initializer.append(helper.make_tensor("label_classes", kind, [1, count], values))
    places = helper.make_tensor("label_numbers", type, [count, 1], [float(n) for n in range(count)])
    graph.initializer.append(places)
    is_class = helper.make_node("Equal", ["label_column", "label_classes"], ["label_is_class"])
    cast = helper.make_node("Cast", ["label_is_class"], ["label_shares"], to=type)
    product = helper.make_node("MatMul", ["label_shares", "label_numbers"], ["label_place"])
    graph.node.extend([is_class, cast, product])
    return "label_place"


def add_threshold(graph: onnx.GraphProto, threshold: float, type: int) -> None:
    """Add the place of the label of two classes: 1 if the second score reaches a threshold."""
    graph.initializer.append(helper.make_tensor("threshold", type, [1], [threshold]))
    graph.initializer.append(helper.make_tensor("second", TensorProto.INT64, [1], [1]))
    rename(graph, "scores", "all_scores")
    score = helper.make_node("Gather", ["all_scores", "second"], ["second_score"], axis=1)
    reaches = helper.make_node("GreaterOrEqual", ["second_score", "threshold"], ["is_second"])
    cast = helper.make_node("Cast", ["is_second"], ["label_place"], to=type)
    joined = helper.make_node("Concat", ["all_scores", "label_place"], ["scores"], axis=1)
    graph.node.extend([score, reaches, cast, joined])
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("scores", type, ["n", 3]))


def places_of(labels: np.ndarray, classes: Sequence[str | int]) -> np.ndarray:
    """Return the place of each label among the classes, from 0; -1 for an unknown one."""
    known = {str(label): place for place, label in enumerate(classes)}
    return np.array([known.get(str(label), -1) for label in labels.ravel()])


def _kind(value: onnx.ValueInfoProto) -> str:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return (kind or "of no type").removesuffix("_type")
    return TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
