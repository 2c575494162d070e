"""The right answers of labelled rows, as a person gives them, as numbers."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from udfs.errors import ModelError

BOOLEANS = {"0": "false", "1": "true"}


def read(answer: str, outputs: list[str], labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as numbers, and for each row whether it has one (n,).

    A number stays one, and several numbers become a row (n, m). A label is its place among the
    outputs (n,), and several labels are 0 or 1 for each output (n, m).

    Args:
        answer: what the model answers: number, numbers, label or labels.
        outputs: the names of its m scores.
        labels: one for each of n rows.

    Raises:
        ModelError: a label is none of the outputs, or the labels are no numbers.
    """
    values = list(labels)
    if answer in ("number", "numbers"):
        return _numbers(values, len(outputs) if answer == "numbers" else None)
    is_labelled = np.array([not is_missing(value) for value in values])
    if answer == "label":
        places = [0 if is_missing(value) else _place(value, outputs) for value in values]
        return np.array(places), is_labelled
    chosen = np.zeros((len(values), len(outputs)), dtype=int)
    for row in np.flatnonzero(is_labelled):
        if isinstance(values[row], str):
            raise ModelError(f"each row has a list of labels, and this is a text: {values[row]!r}")
        chosen[row, [_place(value, outputs) for value in values[row]]] = 1
    return chosen, is_labelled


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none: None, NaN, and pandas' NA and NaT."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA is neither true nor false
        return True
    except ValueError:  # an array of labels
        return False


def _numbers(values: list[Any], width: int | None) -> tuple[np.ndarray, np.ndarray]:
    nothing = [np.nan] * width if width else np.nan
    try:
        known = [nothing if is_missing(value) else value for value in values]
        truth = np.asarray(known, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the labels must be numbers: {error}") from error
    if truth.shape[1:] != ((width,) if width else ()):
        raise ModelError(
            f"the labels have shape {truth.shape}: give {f'{width} numbers' if width else 'one'} "
            "for each row"
        )
    is_finite = np.isfinite(truth)
    return truth, np.asarray(is_finite.all(axis=1) if width else is_finite)


def _place(value: Any, outputs: list[str]) -> int:
    """Return the place of a label among the outputs. Whole numbers may be 1, 1.0 or true."""
    is_whole = isinstance(value, float | np.floating | Decimal) and value == int(value)
    text = str(int(value) if is_whole else value)
    if outputs == ["false", "true"]:
        text = BOOLEANS.get(text, text.lower())
    if text not in outputs:
        given = repr(value.item() if isinstance(value, np.generic) else value)
        raise ModelError(f"there is no label {given}: the labels are {', '.join(outputs)}")
    return outputs.index(text)
