"""Validate an ONNX graph from outside, and bring it into the registry's form.

A stored graph has one input `features` (n, k) of float32 or float64, and one output `scores`
(n, m), for any n. Row i of the scores depends only on row i of the features. A graph that cannot be
brought into this form is refused. `udfs.registry.sandbox` runs this module in a separate process
with limits, so that bytes made to break a parser or onnxruntime break only that process.

https://onnx.ai/onnx/repo-docs/IR.html
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, inliner, numpy_helper
from onnx.checker import ValidationError
from onnx.defs import onnx_ml_opset_version, onnx_opset_version

from models_py.columns import group
from models_py.graph_edits import cut_dictionaries, inner_types
from models_py.sql_backend.attributes import attributes
from udfs.graphs import Refusal, graphs, refuse_other_files, set_missing
from udfs.registry.graph_inputs import Inputs, join_inputs
from udfs.registry.graph_outputs import (
    Outputs,
    add_threshold,
    class_labels,
    find_outputs,
    keep_scores,
    places_of,
)
from udfs.registry.probes import rows_to_compare, spread

# The environment variable for the largest size of a model, in MB.
SIZE_VARIABLE, DEFAULT_MB = "HITPARADE_MODEL_MB", "256"
MAX_SCORES = 1_000
# Operators that move numbers and do not change them.
MOVING = {"ArrayFeatureExtractor", "Cast", "Concat", "Gather", "Identity", "Reshape", "Slice"}
ROWS = 16
# Two scores that differ by less, relative to their size, are equal: any of them may be the label.
TIE = 1e-6
FIXED_BATCH = (
    "the model answers only for a batch of one row: export it for any batch, with dynamic_shapes="
    '({0: "n"},) in torch.onnx.export, or with dynamo=False and dynamic_axes={"INPUT": {0: "n"}}'
)
# Largest difference between a row scored alone and in a batch, relative to its size.
TOLERANCE = 1e-5
# The oldest and newest operator versions that onnxruntime runs.
OPSETS = {domain: (7, onnx_opset_version()) for domain in ("", "ai.onnx")}
OPSETS |= {"ai.onnx.ml": (1, onnx_ml_opset_version())}


@dataclass(frozen=True)
class Graph:
    """A graph that may be stored, and what it says of itself.

    Attributes:
        content: its bytes, in the registry's form.
        inputs: the number of features.
        outputs: the number of scores.
        producer: the program that wrote it.
        is_double: whether the features are float64, else float32.
        input_names: the names of the features; None if the graph has none.
        output_names: the names of several outputs of numbers; None for one.
        labels: the names that the graph gives to its scores.
        has_label: whether the last score is the place of the label.
        missing: the features that may be missing.
        rounds_before_trees: whether its trees compare numbers that it computed in float32.
        portable: its parameters for the SQL backend; None if it cannot be translated.
    """

    content: bytes
    inputs: int
    outputs: int
    producer: str
    is_double: bool
    input_names: list[str] | None
    output_names: list[str] | None
    labels: list[str] | None
    has_label: bool
    missing: list[int]
    rounds_before_trees: bool
    portable: dict | None = None


@dataclass(frozen=True)
class Given:
    """What the caller knows of a graph.

    Attributes:
        rows: features (n, k), float64, to try it on; None for random ones.
        names: the names of the inputs in order, if they are known.
        classes: the labels that the graph gives, in the order of the scores, if they are known.
        missing: the features that may be missing; those that are missing in a row, by default.
        keep_label: whether the label becomes a further score; by default, if it is not always that
            of the largest score.
        threshold: the score of the second of two classes from which it is the label.
    """

    rows: np.ndarray | None = None
    names: list[str] | None = None
    classes: list[str | int] | None = None
    missing: list[int] | None = None
    keep_label: bool | None = None
    threshold: float | None = None


def validated(content: bytes, given: Given | None = None) -> Graph:
    """Return a graph in the registry's form, checked in this process.

    Raises:
        Refusal: the graph cannot be stored.
    """
    given = given or Given()
    _check_size(content)
    model = _parsed(content)
    refuse_other_files(model)
    _check_operators(model)
    cut_dictionaries(model)
    is_fixed = _free_batch(model)
    inputs = join_inputs(model, len(given.names) if given.names else None)
    names = inputs.names or given.names
    model = _checked(model)
    _refuse_cycles(model)
    (features,) = _feature_inputs(model)
    width = features.type.tensor_type.shape.dim[1].dim_value
    is_double = features.type.tensor_type.elem_type == TensorProto.DOUBLE
    if given.rows is not None and given.rows.shape[1] != width:
        raise Refusal(
            f"the model has {width} inputs, and the examples have {given.rows.shape[1]} columns: "
            "give one column for each input, in order"
        )
    rows = rows_to_try(width, names) if given.rows is None else given.rows
    missing = given.missing
    if missing is None:
        missing = np.flatnonzero(np.isnan(rows).any(axis=0)).tolist()
    if never := set(missing) & set(inputs.whole):
        raise Refusal(
            f"input number {min(never) + 1} takes whole numbers, which cannot be missing, and an "
            "example lacks it: leave these rows out"
        )
    outputs = find_outputs(model, given.classes or class_labels(model.graph))
    whole = _Whole(model.SerializeToString(deterministic=True), outputs, is_double, is_fixed)
    widths = whole.widths(rows)
    two_sided, keep_label = _decision(whole, rows, names)
    if given.keep_label is not None:
        keep_label = given.keep_label and given.threshold is None
    kept = keep_scores(model, outputs, widths, two_sided, keep_label)
    if given.threshold is not None:
        type = model.graph.output[0].type.tensor_type.elem_type
        add_threshold(model.graph, given.threshold, type)
        keep_label = True
    set_missing(model, missing)
    stored = model.SerializeToString(deterministic=True)
    tried = spread(rows, ROWS)
    scores = _try(stored, tried, is_fixed)
    first = 1 if two_sided else 0
    _compare_with_file(content, inputs, tried, scores[:, first : first + sum(widths)])
    producer = f"{model.producer_name} {model.producer_version}".strip()
    labels = None if outputs.classes is None else [str(label) for label in outputs.classes]
    return Graph(
        stored,
        width,
        scores.shape[1],
        producer,
        is_double,
        names,
        kept,
        labels,
        keep_label,
        missing,
        not is_double and _rounds_before_trees(model.graph),
    )


def _rounds_before_trees(graph: onnx.GraphProto) -> bool:
    """Return whether the trees of a graph compare numbers that it computed from its features."""
    makers = {name: node for node in graph.node for name in node.output}
    waiting = [node.input[0] for node in graph.node if node.op_type.startswith("TreeEnsemble")]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None:
            continue
        if node.op_type not in MOVING:
            return True
        waiting += node.input
    return False


def _check_size(content: bytes) -> None:
    if not content:
        raise Refusal("the file is empty: export the model again")
    limit = max_bytes()
    if len(content) > limit:
        raise Refusal(
            f"the file has {len(content) / 2**20:.0f} MB, and a model may have at most "
            f"{limit / 2**20:g}: use fewer or shallower trees or a smaller net, or set "
            f"{SIZE_VARIABLE} to a larger number of MB"
        )


def max_bytes() -> int:
    """Return how many bytes a model may have."""
    return int(float(os.environ.get(SIZE_VARIABLE, DEFAULT_MB)) * 2**20)


def _feature_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    parameters = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in parameters]


def _free_batch(model: onnx.ModelProto) -> bool:
    """Free a batch of one row, and return whether there was one; its answers are checked later."""
    is_fixed = False
    for value in (*_feature_inputs(model), *model.graph.output):
        sizes = value.type.tensor_type.shape.dim
        if len(sizes) and sizes[0].dim_value == 1:
            is_fixed = True
            sizes[0].dim_param = "n"
    if is_fixed:
        _free_shapes(model.graph)
    return is_fixed


def _free_shapes(graph: onnx.GraphProto) -> None:
    """Free the batch of one row in the shapes of Reshape nodes."""
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for tensor in graph.initializer:
        if tensor.name in shapes:
            sizes = numpy_helper.to_array(tensor)
            if len(sizes) and sizes[0] == 1 and not (sizes == -1).any():
                sizes = np.concatenate([[-1], sizes[1:]])
                tensor.CopyFrom(numpy_helper.from_array(sizes, tensor.name))


class _Whole:
    """A graph with all of its outputs."""

    def __init__(self, content: bytes, outputs: Outputs, is_double: bool, is_fixed: bool):
        try:
            self._session = _session(content)
        except Exception as error:  # onnxruntime has a class for each of its error codes
            raise Refusal(f"onnxruntime cannot load the model: {_first_line(error)}") from error
        self._outputs = outputs
        self._is_fixed = is_fixed
        self._type = np.float64 if is_double else np.float32

    def scores(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of numbers for features (n, k), each as (n, m)."""
        found = self._run(self._outputs.scores, rows)
        for part in found:
            if not part.shape or len(part) != len(rows) or part[:1].size > MAX_SCORES:
                _refuse_shape(len(rows), part.shape)
        return [part.astype(np.float64).reshape(len(rows), -1) for part in found]

    def widths(self, rows: np.ndarray) -> list[int]:
        """Return the number of columns of each output of numbers."""
        return [part.shape[1] for part in self.scores(rows[:2])]

    def labels(self, rows: np.ndarray, classes: Sequence[str | int]) -> np.ndarray:
        """Return the place of the label among the classes, for features (n, k)."""
        (found,) = self._run([str(self._outputs.label)], rows)
        return places_of(np.asarray(found), classes)

    def _run(self, names: list[str], rows: np.ndarray) -> list:
        with np.errstate(over="ignore"):
            typed = rows.astype(self._type)
        try:
            return self._session.run(names, {"features": typed})
        except Exception as error:  # onnxruntime has a class for each of its error codes
            said = f"onnxruntime cannot run the model: {_first_line(error)}"
            raise Refusal(FIXED_BATCH if self._is_fixed else said) from error


def _compare_with_file(
    content: bytes, inputs: Inputs, rows: np.ndarray, scores: np.ndarray
) -> None:
    """Compare the scores with those of the file as it was given, one row at a time."""
    try:
        session = _session(content)
    except Exception:  # a file that states wrong types, which were mended
        return
    found = []
    for row in rows:
        try:
            answers = session.run(None, inputs.feeds(row[None]))
        except Exception as error:  # onnxruntime has a class for each of its error codes
            raise Refusal(
                f"the file itself cannot be run: {_first_line(error)}: export it again, or with "
                "another tool"
            ) from error
        parts = [_numbers(answer, "f") for answer in answers]
        if not any(len(part) for part in parts):
            parts = [_numbers(answer, "iub") for answer in answers]
        found.append(np.concatenate(parts))
    before = np.array(found, dtype=np.float64)
    # Labels are not compared: they are dropped, or compared with the scores.
    if before.shape != scores.shape or not np.allclose(
        before, scores, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
    ):
        raise Refusal(
            "the model's answers change when it is brought into the form of the registry: export "
            "it with one output of numbers, and without functions of its own"
        )


def _numbers(answer: Any, kinds: str) -> np.ndarray:
    """Return an output for one row as numbers (m,); none for other kinds, such as labels."""
    if isinstance(answer, list):  # of dictionaries, by ZipMap
        return np.array([*answer[0].values()])
    return answer.ravel() if answer.dtype.kind in kinds else np.array([])


def _decision(whole: _Whole, rows: np.ndarray, names: list[str] | None) -> tuple[str | None, bool]:
    """Return how one score becomes those of two classes, and whether the label must be kept."""
    outputs = whole._outputs
    if outputs.label is None or outputs.classes is None:
        return None, False
    classes = outputs.classes

    def answers(rows: np.ndarray) -> np.ndarray:
        places = whole.labels(rows, classes)
        return np.column_stack([*whole.scores(rows), places[:, None] == np.arange(len(classes))])

    rows = rows_to_compare(rows, groups_of(names), answers).rows
    (scores,) = whole.scores(rows)
    found = whole.labels(rows, classes)
    if scores.shape[1] == len(classes):
        return None, not is_likeliest(scores, found)
    if scores.shape[1] != 1 or len(classes) != 2:
        return None, False
    for name, sides in (
        ("decision", np.hstack([-scores, scores])),
        ("probability", np.hstack([1 - scores, scores])),
    ):
        if is_likeliest(sides, found):
            return name, False
    is_share = ((scores >= 0) & (scores <= 1)).all()
    return "probability" if is_share else "decision", True


def is_likeliest(scores: np.ndarray, places: np.ndarray) -> bool:
    """Return whether the label is that of the largest score, except where two are equal."""
    if scores.shape[1] == 1:
        return True
    known = np.isfinite(scores).all(axis=1)
    scores, places = scores[known], places[known]
    ordered = np.sort(scores, axis=1)
    size = np.maximum(np.abs(ordered).max(axis=1), 1)
    is_tie = ordered[:, -1] - ordered[:, -2] <= TIE * size
    return bool((is_tie | (scores.argmax(axis=1) == places)).all())


def _parsed(content: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # each implementation of protobuf has its own error class
        raise Refusal(f"this is not an ONNX model: {error}") from error
    if not model.graph.node:
        raise Refusal("this is not an ONNX model: its graph has no nodes")
    return model


def _check_operators(model: onnx.ModelProto) -> None:
    """Refuse operators outside the ONNX standard, and versions that onnxruntime does not run."""
    own = {(function.domain, function.name) for function in model.functions}
    for graph in graphs(model):
        for node in graph.node:
            if node.domain not in OPSETS and (node.domain, node.op_type) not in own:
                raise Refusal(
                    f"the operator {node.op_type} of domain {node.domain!r} is not part of the "
                    "ONNX standard: export the model with standard operators"
                )
    for opset in model.opset_import:
        oldest, newest = OPSETS.get(opset.domain, (opset.version, opset.version))
        if not oldest <= opset.version <= newest:
            raise Refusal(
                f"the model uses version {opset.version} of the operators "
                f"{opset.domain or 'ai.onnx'}, and this runtime supports {oldest} to {newest}: "
                "export it with another opset"
            )


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        _renew_shapes(model)
        onnx.checker.check_model(model, full_check=True)
        return inliner.inline_local_functions(model) if model.functions else model
    except (ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise Refusal(f"the model is not valid ONNX: {error}") from error


def _renew_shapes(model: onnx.ModelProto) -> None:
    """Compute types and shapes of the outputs again: some files state wrong ones."""
    inferred = inner_types(model)
    for value in model.graph.output:
        known = inferred.get(value.name)
        if known is not None and value.type.HasField("tensor_type"):
            value.type.tensor_type.elem_type = known.elem_type
            if known.HasField("shape"):
                value.type.tensor_type.shape.CopyFrom(known.shape)


def _refuse_cycles(model: onnx.ModelProto) -> None:
    """Refuse trees with a cycle: onnxruntime would walk it forever."""
    for graph in graphs(model):
        for node in graph.node:
            if node.domain == "ai.onnx.ml" and node.op_type.startswith("TreeEnsemble"):
                try:
                    children = _children(attributes(node))
                except (KeyError, ValueError, IndexError) as error:
                    raise Refusal(f"the trees of {node.op_type} do not fit together") from error
                if _has_cycle(children):
                    raise Refusal(
                        f"a tree of {node.op_type} has a cycle: a node leads back to one above it"
                    )


def _children(values: dict) -> list[list[int]]:
    """Return for each node of an ensemble the positions of its children."""
    sides = [values["nodes_truenodeids"], values["nodes_falsenodeids"]]
    if "nodes_trueleafs" in values:  # TreeEnsemble, whose ids are positions
        ends = [values["nodes_trueleafs"], values["nodes_falseleafs"]]
        return [
            [child for child, is_leaf in zip(pair, leaves, strict=True) if not is_leaf]
            for pair, leaves in zip(zip(*sides, strict=True), zip(*ends, strict=True), strict=True)
        ]
    trees = values["nodes_treeids"]
    places = {key: i for i, key in enumerate(zip(trees, values["nodes_nodeids"], strict=True))}
    modes = values["nodes_modes"]
    return [
        [] if mode == b"LEAF" else [places[tree, child] for child in pair]
        for tree, mode, *pair in zip(trees, modes, *sides, strict=True)
    ]


def _has_cycle(children: list[list[int]]) -> bool:
    """Return whether the nodes have a cycle: Kahn's algorithm cannot order its nodes."""
    parents = [0] * len(children)
    for child in chain.from_iterable(children):
        parents[child] += 1
    waiting = [place for place, count in enumerate(parents) if not count]
    done = 0
    while waiting:
        done += 1
        for child in children[waiting.pop()]:
            parents[child] -= 1
            if not parents[child]:
                waiting.append(child)
    return done < len(children)


def groups_of(names: list[str] | None) -> list[list[int]]:
    """Return the places of the inputs of each one-hot group."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names or []):
        column = group(name)
        if column is not None:
            found.setdefault(column, []).append(place)
    return list(found.values())


def rows_to_try(inputs: int, names: list[str] | None = None) -> np.ndarray:
    """Return the same ROWS rows (n, k) of test numbers of several magnitudes."""
    random = np.random.default_rng(0)
    scales = np.array([1, 1, 10, 100])[np.arange(ROWS) % 4, None]
    rows = random.random((ROWS, inputs), dtype=np.float32).astype(np.float64) * scales
    for places in groups_of(names):
        rows[:, places] = 0
        rows[np.arange(ROWS), random.choice(places, ROWS)] = 1
    return rows


def _try(content: bytes, rows: np.ndarray, is_fixed: bool) -> np.ndarray:
    """Run a graph twice on a batch and once on each row; return the scores (n, m)."""
    try:
        session = _session(content)
        together, again = (_scores(session, rows) for _ in range(2))
        alone = np.concatenate([_scores(session, row[None]) for row in rows])
    except Refusal:
        raise
    except Exception as error:  # onnxruntime has a class for each of its error codes
        raise Refusal(
            FIXED_BATCH if is_fixed else f"onnxruntime cannot run the model: {_first_line(error)}"
        ) from error
    if not np.array_equal(together, again, equal_nan=True):
        raise Refusal("the model answers differently each time: export it without random operators")
    if together.shape != alone.shape or not np.allclose(
        together, alone, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
    ):
        if is_fixed:
            raise Refusal(FIXED_BATCH)
        raise Refusal(
            "the model's answer for a row depends on the other rows: export a model that scores "
            "each row by itself"
        )
    return together


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _scores(session: onnxruntime.InferenceSession, rows: np.ndarray) -> np.ndarray:
    type = np.float64 if session.get_inputs()[0].type == "tensor(double)" else np.float32
    with np.errstate(over="ignore"):
        scores = session.run(["scores"], {"features": rows.astype(type)})[0]
    if scores.ndim != 2 or len(scores) != len(rows) or not 1 <= scores.shape[1] <= MAX_SCORES:
        _refuse_shape(len(rows), scores.shape)
    return scores


def _refuse_shape(rows: int, shape: tuple[int, ...]) -> NoReturn:
    raise Refusal(
        f"for {rows} rows a model must give scores of shape ({rows}, m) with m from 1 to "
        f"{MAX_SCORES}, and this one gives {shape}: reshape its output"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
