"""Examples of a model from outside: rows of numbers (n, k), from arrays and data frames."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models_py.columns import another, group, member, missing
from udfs.errors import ModelError
from udfs.runtime.scores import LARGEST


def as_frame(examples: Any, inputs: Sequence[str] | None) -> Any:
    """Return the examples as a pandas data frame; None for an array of numbers."""
    if examples is None:
        return None
    if not hasattr(examples, "dtypes") or not hasattr(examples, "iloc"):
        if hasattr(examples, "to_pandas"):  # Arrow and Polars
            return examples.to_pandas()
        array = np.asarray(examples)
        if array.dtype.kind not in "OUS" or array.ndim != 2:
            return None
        import pandas as pd  # whoever fits estimators on text has it

        names = list(inputs) if inputs and len(inputs) == array.shape[1] else None
        return pd.DataFrame(array, columns=names).infer_objects()
    return examples


def matrix(examples: Any, name: str, estimator: Any) -> np.ndarray:
    """Return examples of numbers as float64 (n, k), possibly with NaN.

    Raises:
        ModelError: they are no such rows, or not as many columns as the estimator takes.
    """
    width = getattr(estimator, "n_features_in_", None)
    wanted = "rows (n, k)" if width is None else f"rows (n, {width})"
    if examples is None:
        raise ModelError(
            f"a {name} needs examples, {wanted}, to check its ONNX graph, and none were given"
        )
    rows = numbers(examples)
    if width is not None and rows.shape[1] != width:
        raise ModelError(
            f"a {name} needs examples, {wanted}, to check its ONNX graph, and these have shape "
            f"{rows.shape}"
        )
    return rows


def as_numbers(examples: Any) -> np.ndarray:
    """Return values as float64, with NaN for missing ones.

    Raises:
        ModelError: some are no numbers.
    """
    try:
        if hasattr(examples, "to_numpy"):  # pandas, whose own types have a value for missing ones
            examples = examples.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(examples, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"give rows (n, k) of numbers: {error}. Encode or drop other values"
        ) from error


def numbers(examples: Any) -> np.ndarray:
    """Return examples of numbers as float64 (n, k), with NaN for missing ones.

    Raises:
        ModelError: they are no such rows.
    """
    rows = as_numbers(examples)
    is_known = (np.isnan(rows) | (np.abs(rows) <= LARGEST)).all() and rows.ndim == 2 and rows.size
    if not is_known or np.isnan(rows).all(axis=0).any():
        raise ModelError(
            f"examples must be rows (n, k) of finite numbers up to {LARGEST:.0e}, and only some of "
            f"a column may be missing, got shape {rows.shape}: drop other values"
        )
    return rows


def has_text(examples: Any) -> bool:
    """Return whether examples have columns that are not numbers."""
    frame = as_frame(examples, None)
    if frame is None:
        return False
    return any(np.asarray(frame[name]).dtype.kind not in "biuf" for name in frame.columns)


def encoded(examples: Any, names: Sequence[str]) -> np.ndarray:
    """Return examples as features (n, k) of a graph that has inputs for texts.

    Args:
        examples: a data frame with a column for each number and each one-hot group, or an array
            with these columns in order.
        names: the names of the features, see `models_py.columns`.

    Raises:
        ModelError: a column is missing, or has a text that has no input.
    """
    rows, known = encoded_as_known(examples, names)
    if not known.all():
        raise ModelError(
            f"{(~known).sum()} of the examples, such as row {int(known.argmin())}, have texts that "
            "the model does not know: leave these rows out"
        )
    return numbers(rows)


def encoded_as_known(examples: Any, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return examples as features (n, k), and for each row whether all its texts are known (n,).

    The arguments are those of `encoded`.

    Raises:
        ModelError: a column is missing.
    """
    columns = [*dict.fromkeys(group(name) or name for name in names)]
    frame = as_frame(examples, columns)
    if not set(columns) <= set(map(str, frame.columns)):
        raise ModelError(
            f"the model takes {', '.join(columns)}, and the examples have "
            f"{', '.join(map(str, frame.columns))}: give a data frame with these columns"
        )
    parts = {name: _encoded(frame[group(name) or name], name, names) for name in names}
    rows = np.column_stack(list(parts.values()))
    known = np.ones(len(rows), dtype=bool)
    for column in columns:
        places = [place for place, name in enumerate(names) if group(name) == column]
        if places:
            known &= rows[:, places].any(axis=1)
    return rows, known


def _encoded(values: Any, name: str, names: Sequence[str]) -> np.ndarray:
    """Return the values of one input, from its column."""
    column = group(name)
    if column is None:
        return as_numbers(values)
    is_missing = np.asarray(values.isna())
    if name == missing(column):
        return is_missing.astype(float)
    texts = np.array([member(column, str(value)) for value in values], dtype=object)
    if name == another(column):
        return (~np.isin(texts, [*names]) & ~is_missing).astype(float)
    return ((texts == name) & ~is_missing).astype(float)
