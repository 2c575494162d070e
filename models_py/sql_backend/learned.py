"""Operators of ONNX-ML that encode numbers, normalize a row, or are a tree ensemble.

https://onnx.ai/onnx/operators/index.html
"""

from dataclasses import replace

import numpy as np

from models_py.sql_backend import trees
from models_py.sql_backend.affine import plus
from models_py.sql_backend.answers import Answer, Given, Label
from models_py.sql_backend.attributes import NotInSQL, check
from models_py.sql_backend.call import Call
from models_py.sql_backend.functions import absolute, root, total, truncated
from models_py.sql_backend.shapes import mapped
from models_py.sql_backend.values import Precision, constant

MAX_KEYS = 500


def _trees(call: Call) -> list[Given]:
    given = call.row()
    check(given.dtype in (np.float32, np.float64), "trees of whole numbers")
    raw = trees.raw_scores(call.node, given, call.program)
    answer = Answer(raw.scores, raw.transform, raw.is_distribution)
    return [Label(), answer] if call.name == "TreeEnsembleClassifier" else [answer]


def _imputer(call: Call) -> list[Given]:
    """Imputer: other numbers in the place of NaN, or of another number."""
    given, values = call.row(), call.attributes
    names = ("imputed_value_floats", "imputed_value_int64s")
    found = next((values[name] for name in names if name in values), None)
    if found is None:
        raise ValueError("an Imputer without values")
    fill = np.broadcast_to(np.asarray(found, dtype=float), given.size)
    replaced = values.get("replaced_value_float", values.get("replaced_value_int64", 0.0))
    numbers = call.program.exact(given) if any(given.chains or ()) else given
    numbers = call.program.settled(numbers)
    if np.isnan(replaced):
        return [call.program.filled(numbers, fill)]
    is_replaced = call.program.decision("IsZero", plus(numbers, -float(replaced)))
    return [call.program.where(is_replaced, constant(fill), numbers)]


def _binarizer(call: Call) -> list[Given]:
    """Binarizer: whether a number is above a threshold."""
    given = call.program.certain(call.value())
    threshold = call.attributes.get("threshold", 0.0)
    found = call.program.decision("IsPositive", plus(given, -threshold))
    return [replace(found, dtype=given.dtype)]


def _label_encoder(call: Call) -> list[Given]:
    """LabelEncoder from numbers to numbers."""
    values = call.attributes
    keys, found = (_listed(values, what) for what in ("keys", "values"))
    check(len(keys) == len(found) <= MAX_KEYS, "many keys")
    is_whole = found.dtype.kind == "i"
    default = values.get("default_tensor")
    if default is None:
        name, usual = ("default_int64", -1) if is_whole else ("default_float", -0.0)
        default = np.array(values.get(name, usual))
    return [mapped(call, call.value(), keys, found, float(default.ravel()[0]))]


def _listed(values: dict, what: str) -> np.ndarray:
    """Return the keys or the values of a LabelEncoder."""
    kinds = {"floats": np.float32, "int64s": np.int64, "tensor": None}
    for kind, dtype in kinds.items():
        found = values.get(f"{what}_{kind}")
        if found is not None and len(found):
            array = np.asarray(found, dtype=dtype).ravel()
            check(array.dtype.kind in "fi", "texts")
            return array
    if f"{what}_strings" not in values:
        raise ValueError(f"a LabelEncoder without {what}")
    raise NotInSQL("texts")


def _one_hot(call: Call) -> list[Given]:
    """OneHotEncoder of whole numbers."""
    value, values = call.value(), call.attributes
    members = np.asarray(values.get("cats_int64s", []), dtype=float)
    check(0 < len(members) <= MAX_KEYS and values.get("zeros", 1) == 1, "a one-hot group of texts")
    whole = value
    if value.dtype.kind == "f":
        whole = truncated(value, call.program)
    places = np.repeat(np.arange(value.size), len(members))
    shape = (*value.shape, len(members))
    each = whole.select(places, shape)
    gaps = each.scaled(np.ones(each.size), -np.tile(members, value.size))
    return [replace(call.program.decision("IsZero", gaps), dtype=np.dtype(np.float32))]


def _normalizer(call: Call) -> list[Given]:
    """Normalizer or LpNormalization: a row divided by its norm, unless that is zero."""
    norm, given, program = call.attributes.get("norm", "MAX"), call.given[0], call.program
    if call.name == "LpNormalization":
        norm = f"L{call.attributes.get('p', 2)}"
        check(call.axis(-1) == 0, "a norm across rows")
    if norm == "L1" and isinstance(given, Answer) and given.is_distribution:
        return [given]
    value = program.settled(call.row())
    match norm:
        case "L1":
            size = total(absolute(value, program))
        case "L2":
            size = root(total(program.pair("Mul", value, value)), program)
        case "MAX":
            size = program.row("Max", value, 1)
        case _:
            raise ValueError(f"the norm {norm}")
    size = program.settled(size)
    is_zero = program.computed(size, "IsZero", Precision.EXACT)
    divisor = size.plus(is_zero)
    found = program.pair("Div", value, divisor)
    return [found if call.name == "LpNormalization" else found.converted(np.dtype(np.float32))]


LEARNED = {
    "TreeEnsembleRegressor": _trees,
    "TreeEnsembleClassifier": _trees,
    "TreeEnsemble": _trees,
    "Imputer": _imputer,
    "Binarizer": _binarizer,
    "LabelEncoder": _label_encoder,
    "OneHotEncoder": _one_hot,
    "Normalizer": _normalizer,
    "LpNormalization": _normalizer,
}
