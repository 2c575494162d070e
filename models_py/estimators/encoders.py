"""Encoders of scikit-learn on columns of numbers.

skl2onnx reads the categories of numbers as whole numbers, so 2.5 would count as 2.
"""

from typing import Any

import numpy as np

from models_py.estimators.building import Builder
from models_py.estimators.errors import UnsupportedError


def one_hot(builder: Builder, features: str, model: Any) -> list[str]:
    """Add the one-hot groups of the columns of an OneHotEncoder, and return their names."""
    if any(found is not None for found in getattr(model, "_infrequent_indices", [])):
        raise UnsupportedError(
            "OneHotEncoder on numbers cannot group rare ones here: convert the numbers to text"
        )
    dropped = model.drop_idx_ if model.drop_idx_ is not None else [None] * len(model.categories_)
    parts = []
    for place, (categories, drop) in enumerate(zip(model.categories_, dropped, strict=True)):
        is_kept = np.arange(len(categories)) != (-1 if drop is None else drop)
        parts.append(_is_category(builder, _column(builder, features, place), categories[is_kept]))
    return parts


def ordinal(builder: Builder, features: str, model: Any) -> list[str]:
    """Add the numbers (n, 1) of the columns of an OrdinalEncoder, and return their names."""
    if any(found is not None for found in getattr(model, "_infrequent_indices", [])):
        raise UnsupportedError(
            "OrdinalEncoder on numbers cannot group rare ones here: convert the numbers to text"
        )
    parts = []
    for place, categories in enumerate(model.categories_):
        column = _column(builder, features, place)
        known = _is_category(builder, column, categories)
        places = np.arange(len(categories), dtype=float)
        missing = model.encoded_missing_value
        if len(categories) and np.isnan(categories[-1]):
            places[-1] = 0 if np.isnan(missing) else missing
        found = builder.add("MatMul", known, builder.constant(places[:, None]))
        is_known = builder.add("ReduceMax", known, builder.places(np.array([1])), keepdims=1)
        is_known = builder.cast(is_known, builder.BOOL)
        other = np.nan if model.unknown_value is None else model.unknown_value
        found = builder.add("Where", is_known, found, builder.constant(np.full((1, 1), other)))
        if len(categories) and np.isnan(categories[-1]) and np.isnan(missing):
            nothing = builder.constant(np.full((1, 1), np.nan))
            found = builder.add("Where", builder.add("IsNaN", column), nothing, found)
        parts.append(found)
    return parts


def above(builder: Builder, features: str, model: Any) -> list[str]:
    """Add 1 where a number is above the threshold of a Binarizer, and 0 elsewhere."""
    threshold = builder.constant(np.full((1, 1), float(model.threshold)))
    return [builder.cast(builder.add("Greater", features, threshold))]


def bins(builder: Builder, features: str, model: Any) -> list[str]:
    """Add the bins of the columns of a KBinsDiscretizer, and return their names."""
    parts = []
    for place, edges in enumerate(model.bin_edges_):
        column = _column(builder, features, place)
        reached = builder.add("GreaterOrEqual", column, builder.constant(edges[None, 1:-1]))
        axis = builder.places(np.array([1]))
        number = builder.add("ReduceSum", builder.cast(reached), axis, keepdims=1)
        if model.encode == "ordinal":
            parts.append(number)
        else:
            parts.append(_is_category(builder, number, np.arange(len(edges) - 1, dtype=float)))
    return parts


def _column(builder: Builder, features: str, place: int) -> str:
    return builder.add("Gather", features, builder.places(np.array([place])), axis=1)


def _is_category(builder: Builder, column: str, categories: np.ndarray) -> str:
    """Add 1 for the category of a row and 0 for the others, shape (n, categories)."""
    values = np.asarray(categories, dtype=np.float64)
    found = builder.cast(builder.add("Equal", column, builder.constant(values[None])))
    if not np.isnan(values).any():
        return found
    is_missing = builder.cast(builder.add("IsNaN", column))
    shares = builder.add("Mul", is_missing, builder.constant(np.isnan(values)[None] * 1.0))
    return builder.add("Add", found, shares)
