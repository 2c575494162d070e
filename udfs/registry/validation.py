"""Validate an ONNX graph from outside, and bring it into the registry's form.

A stored graph has one float32 input `features` (n, k) and one float32 output `scores` (n, m) for
any n. Row i of the scores depends only on row i of the features. A graph that cannot be brought
into this form is refused. `udfs.registry.sandbox` runs this module in a separate process with
limits, so that bytes made to break a parser or onnxruntime break only that process.

https://onnx.ai/onnx/repo-docs/IR.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, inliner
from onnx.checker import ValidationError
from onnx.defs import onnx_ml_opset_version, onnx_opset_version

from models_py.sql_backend.attributes import attributes
from udfs.graphs import Refusal, graphs, refuse_other_files

MAX_BYTES = 32 * 2**20
MAX_INPUTS, MAX_SCORES = 100_000, 1_000
ROWS = 16
# Largest difference between a row scored alone and in a batch, relative to its size.
TOLERANCE = 1e-5
# The oldest and newest operator versions that onnxruntime runs.
OPSETS = {domain: (7, onnx_opset_version()) for domain in ("", "ai.onnx")}
OPSETS |= {"ai.onnx.ml": (1, onnx_ml_opset_version())}


@dataclass(frozen=True)
class Graph:
    """A graph that may be stored: its bytes, and the numbers of its features and scores."""

    content: bytes
    inputs: int
    outputs: int
    producer: str
    # The names that the graph itself gives to its scores.
    labels: list[str] | None
    # Its parameters for the SQL backend; None if it cannot be translated.
    portable: dict | None = None


def validated(content: bytes, rows: np.ndarray | None = None) -> Graph:
    """Return a graph in the registry's form, checked in this process.

    Args:
        content: the bytes of an ONNX file.
        rows: float32 features (n, k) to test it on; random ones by default.

    Raises:
        Refusal: the graph cannot be stored.
    """
    if not content:
        raise Refusal("the file is empty: export the model again")
    if len(content) > MAX_BYTES:
        raise Refusal(
            f"the file has {len(content)} bytes, and a model may have at most {MAX_BYTES}: "
            "use fewer or shallower trees, or a smaller net"
        )
    model = _parsed(content)
    refuse_other_files(model)
    _check_operators(model)
    model = _checked(model)
    _refuse_cycles(model)
    inputs = _number_of_inputs(model)
    if rows is not None and rows.shape[1] != inputs:
        raise Refusal(
            f"the model has {inputs} inputs, and the examples have {rows.shape[1]} columns: give "
            "one column for each input, in order"
        )
    labels = _labels(model.graph)
    _keep_scores(model)
    stored = model.SerializeToString(deterministic=True)
    rows = rows_to_try(inputs) if rows is None else rows[:ROWS]
    scores = _try(stored, rows)
    if not np.allclose(_given(content, rows), scores, TOLERANCE, TOLERANCE, equal_nan=True):
        raise Refusal(
            "the model's answers change when its own functions are inlined: export it without "
            "functions of its own"
        )
    producer = f"{model.producer_name} {model.producer_version}".strip()
    return Graph(stored, inputs, scores.shape[1], producer, labels)


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
        onnx.checker.check_model(model, full_check=True)
        return inliner.inline_local_functions(model) if model.functions else model
    except (ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise Refusal(f"the model is not valid ONNX: {error}") from error


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


def _number_of_inputs(model: onnx.ModelProto) -> int:
    """Rename the only input to `features`, and return the number of features."""
    parameters = {tensor.name for tensor in model.graph.initializer}
    found = [value for value in model.graph.input if value.name not in parameters]
    wanted = "a model takes one float32 input of shape (n, k) with any n and a fixed k"
    if len(found) != 1:
        names = ", ".join(value.name for value in found) or "none"
        raise Refusal(f"{wanted}, and this one has {len(found)} inputs ({names})")
    tensor = found[0].type.tensor_type
    shape = [size.dim_value or size.dim_param or None for size in tensor.shape.dim]
    if not found[0].type.HasField("tensor_type") or tensor.elem_type != TensorProto.FLOAT:
        raise Refusal(f"{wanted}, and input {found[0].name!r} is not float32")
    if len(shape) != 2 or isinstance(shape[0], int) or not isinstance(shape[1], int):
        raise Refusal(f"{wanted}, and input {found[0].name!r} has shape {shape}")
    if not 1 <= shape[1] <= MAX_INPUTS:
        raise Refusal(
            f"{wanted} from 1 to {MAX_INPUTS}, and input {found[0].name!r} has shape {shape}"
        )
    del model.graph.input[:]
    model.graph.input.append(found[0])
    _rename(model.graph, found[0].name, "features")
    return shape[1]


def _labels(graph: onnx.GraphProto) -> list[str] | None:
    """Return the class labels of an ONNX-ML classifier, in order."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("classlabels_strings", "classlabels_ints", "classlabels_int64s"):
                values = attribute.strings or attribute.ints
                return [v.decode() if isinstance(v, bytes) else str(v) for v in values] or None
    return None


def _given(content: bytes, rows: np.ndarray) -> np.ndarray:
    """Return the scores (n, m) of the unchanged file in onnxruntime."""
    session = _session(content)
    scores = [output.name for output in session.get_outputs() if output.type == "tensor(float)"]
    (found,) = session.run(scores, {session.get_inputs()[0].name: rows})
    return found.reshape(len(rows), -1)


def _keep_scores(model: onnx.ModelProto) -> None:
    """Keep the only float32 output, under the name `scores`."""
    found = [
        value
        for value in model.graph.output
        if value.type.HasField("tensor_type")
        and value.type.tensor_type.elem_type == TensorProto.FLOAT
    ]
    if len(found) != 1:
        said = ", ".join(f"{value.name} ({_kind(value)})" for value in model.graph.output)
        raise Refusal(
            "a model needs exactly one float32 output, optionally beside an output of labels, and "
            f"this one gives {said}: export a classifier without ZipMap (zipmap=False), and with "
            "float32 scores"
        )
    del model.graph.output[:]
    model.graph.output.append(found[0])
    _rename(model.graph, found[0].name, "scores")
    if len(found[0].type.tensor_type.shape.dim) == 1:
        _make_column(model.graph)
    model.graph.name = "hitparade"


def _make_column(graph: onnx.GraphProto) -> None:
    """Reshape scores (n) to (n, 1): many nets give a flat output."""
    for node in graph.node:
        node.output[:] = ["flat_scores" if name == "scores" else name for name in node.output]
    shape = helper.make_tensor("one_column", TensorProto.INT64, [2], [-1, 1])
    graph.initializer.append(shape)
    graph.node.append(helper.make_node("Reshape", ["flat_scores", "one_column"], ["scores"]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1]))


def _kind(value: onnx.ValueInfoProto) -> str:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return (kind or "of no type").removesuffix("_type")
    return TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()


def _rename(graph: onnx.GraphProto, name: str, wanted: str) -> None:
    """Rename a value of a graph and its inner graphs; another value of that name is renamed too."""
    if name == wanted:
        return
    names = {name: wanted, wanted: f"{wanted}_inside"}
    for node in _nodes(graph):
        node.input[:] = [names.get(n, n) for n in node.input]
        node.output[:] = [names.get(n, n) for n in node.output]
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                _rename_values(inner, names)
    _rename_values(graph, names)


def _rename_values(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        value.name = names.get(value.name, value.name)
    for tensor in graph.sparse_initializer:
        tensor.values.name = names.get(tensor.values.name, tensor.values.name)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a graph and of its inner graphs, which may use its values."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _nodes(inner)


def rows_to_try(inputs: int) -> np.ndarray:
    """Return the same ROWS rows (n, k) of float32 test numbers of several magnitudes."""
    random = np.random.default_rng(0)
    scales = np.array([1, 1, 10, 100], dtype=np.float32)[np.arange(ROWS) % 4, None]
    return (random.random((ROWS, inputs), dtype=np.float32) * scales).astype(np.float32)


def _try(content: bytes, rows: np.ndarray) -> np.ndarray:
    """Run a graph twice on a batch and once on each row; return the scores (n, m)."""
    try:
        session = _session(content)
        together, again = (_scores(session, rows) for _ in range(2))
        alone = np.concatenate([_scores(session, row[None]) for row in rows])
    except Refusal:
        raise
    except Exception as error:  # onnxruntime has a class for each of its error codes
        raise Refusal(f"onnxruntime cannot run the model: {_first_line(error)}") from error
    if not np.array_equal(together, again, equal_nan=True):
        raise Refusal("the model answers differently each time: export it without random operators")
    if together.shape != alone.shape or not np.allclose(
        together, alone, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
    ):
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
    scores = session.run(["scores"], {"features": rows})[0]
    if scores.ndim != 2 or len(scores) != len(rows) or not 1 <= scores.shape[1] <= MAX_SCORES:
        raise Refusal(
            f"for {len(rows)} rows a model must give scores of shape ({len(rows)}, m) with m from "
            f"1 to {MAX_SCORES}, and this one gives {scores.shape}: reshape its output"
        )
    return scores


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
