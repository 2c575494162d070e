"""Translation of ONNX graphs for the SQL backend: lists of parameters that pure SQL evaluates.

Each family of operators has a module: `affine`, `shapes`, `functions`, and `learned` with the trees
of `trees`. They turn a graph into a `program`, and `forms` gives it the form that is evaluated
fastest. A graph with an operator that none of them knows runs only on the ONNX Runtime backend.
"""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models_py.sql_backend.affine import AFFINE
from models_py.sql_backend.answers import Answer, Given, value_of
from models_py.sql_backend.attributes import NotInSQL, check
from models_py.sql_backend.call import Call
from models_py.sql_backend.forms import form
from models_py.sql_backend.functions import FUNCTIONS
from models_py.sql_backend.learned import LEARNED
from models_py.sql_backend.program import Program
from models_py.sql_backend.shapes import ROWS, SHAPES

OPERATORS = AFFINE | SHAPES | FUNCTIONS | LEARNED
# Operators on constants alone are computed at once, unless their answers could be huge.
FOLDED = OPERATORS.keys() - LEARNED.keys() - {"ConstantOfShape", "Expand"}
# Of these, those that pass on the number of rows.
OF_SHAPES = ("Cast", "Concat", "Gather", "Identity", "Slice", "Squeeze", "Unsqueeze")
MAX_CONSTANT = 1_000_000


class TranslationError(ValueError):
    """The bytes are not an ONNX graph, or the graph is malformed."""


def translate(content: bytes) -> dict | None:
    """Return the parameters of an ONNX graph with input `features` and output `scores`.

    Returns:
        The fields of models_py.registry_schema.PORTABLE that its form needs; None if SQL cannot
        evaluate the graph.

    Raises:
        TranslationError: the bytes are not an ONNX graph, or the graph is malformed.
    """
    try:
        return _translated(onnx.load_from_string(content))
    except NotInSQL:
        return None
    except Exception as error:  # protobuf, onnx and numpy raise errors of many classes here
        said = f"{type(error).__name__}: {error}"
        raise TranslationError(
            f"the graph is malformed ({said}): export the model again"
        ) from error


def _translated(model: onnx.ModelProto) -> dict:
    graph = model.graph
    features = graph.input[0].type.tensor_type
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(features.elem_type))
    check(dtype in (np.float32, np.float64), "features of another type")
    program = Program(features.shape.dim[1].dim_value, dtype)
    known: dict[str, Given] = {graph.input[0].name: program.features, **_constants(graph)}
    for node in _needed(graph):
        given = [known[name] if name else None for name in node.input]
        constants = [one for one in given if isinstance(one, np.ndarray)]
        if len(constants) == sum(one is not None for one in given) and node.op_type in FOLDED:
            found = _folded(node, constants, model)
        else:
            check(node.op_type in OPERATORS, f"the operator {node.op_type}")
            found = OPERATORS[node.op_type](Call(node, given, program))
        known.update(zip(node.output, found, strict=False))
    scores = known[graph.output[0].name]
    answer = scores if isinstance(scores, Answer) else Answer(value_of(scores, program), "NONE")
    check(len(answer.raw.shape) <= 1, "scores of more than a row")
    return form(answer, program)


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """Return the parameters of a graph by name, including those in Constant nodes."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            found[node.output[0]] = _array(values)
    return found


def _array(values: Mapping) -> np.ndarray:
    """Return the constant of a Constant node; a text or a sparse one is an array of nothing."""
    if "value" in values:
        return numpy_helper.to_array(values["value"])
    for name, dtype in (("value_float", "float32"), ("value_int", "int64")):
        for given in (name, f"{name}s"):
            if given in values:
                return np.array(values[given], dtype=dtype)
    return np.array(None)


def _needed(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that the scores depend on, each after those that it depends on."""
    wanted, nodes = {graph.output[0].name}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output) and node.op_type != "Constant":
            nodes.append(node)
            wanted.update(node.input)
    yield from reversed(nodes)


def _folded(
    node: onnx.NodeProto, given: list[np.ndarray], model: onnx.ModelProto
) -> list[np.ndarray]:
    """Return the outputs of a node of constants."""
    names = [name for name in node.input if name]
    check(sum(one.size for one in given) <= MAX_CONSTANT, "large constants")
    has_rows = any((one == ROWS).any() for one in given if one.dtype == np.int64)
    check(not has_rows or node.op_type in OF_SHAPES, "a computation with the number of rows")
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(one.dtype), one.shape)
        for name, one in zip(names, given, strict=True)
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    single = helper.make_model(graph, opset_imports=model.opset_import)
    found = ReferenceEvaluator(single).run(None, dict(zip(names, given, strict=True)))
    check(sum(prod(np.shape(one)) for one in found) <= MAX_CONSTANT, "large constants")
    return [np.asarray(one) for one in found]
