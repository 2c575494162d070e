"""`onnx_predict`: the scores of models whose inputs and outputs are float32 numbers."""

import numpy as np
import pyarrow as pa

from udfs.errors import ModelError
from udfs.runtime.sessions import Model, Models
from udfs.runtime.vectors import by_model, whole

# Larger features count as not finite. With them float32 might overflow where the SQL backend's
# float64 does not, and the two backends would give different answers.
LARGEST = 1e15
SCORES = pa.list_(pa.float64())


def onnx_predict(models: Models, model_ids: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """Score a vector of rows, each with its own model; a row with an unusable value gives NULL.

    Raises:
        ModelError: a model is missing, or the number of features is wrong.
    """
    return by_model(models, model_ids, [whole(features)], _scores)


def _scores(model: Model, columns: list[pa.Array]) -> pa.ListArray:
    """Return the scores; NULL if a feature is not a number up to LARGEST, or a score not finite."""
    (lists,) = columns
    matrix = _matrix(model, lists)
    good = _rows_within(matrix, LARGEST)
    if not good.any():
        return pa.nulls(len(lists), SCORES)
    scores = model.run(["scores"], {"features": matrix if good.all() else matrix[good]})[0]
    answered = _rows_within(scores, float(np.finfo(np.float32).max))
    if not lists.null_count and good.all() and answered.all():
        return _lists(scores)
    good[good] = answered
    is_scored = np.zeros(len(lists), dtype=bool)
    is_scored[np.flatnonzero(lists.is_valid())[good]] = True
    return _lists(scores[answered], is_scored)


def _rows_within(matrix: np.ndarray, bound: float) -> np.ndarray:
    """Return which rows have all numbers within a bound; fast if all rows do, the usual case."""
    sizes = np.abs(matrix)
    rows = np.ones(len(matrix), dtype=bool)
    if not sizes.max(initial=0) <= bound:  # the maximum is NaN if any number is
        rows[np.nonzero(~(sizes <= bound))[0]] = False
    return rows


def _lists(scores: np.ndarray, is_scored: np.ndarray | None = None) -> pa.ListArray:
    """Return scores (n, m) as a list for each row, NULL for rows that `is_scored` excludes."""
    width = scores.shape[1]
    values = pa.array(scores.ravel().astype(np.float64))
    if is_scored is None:
        return pa.ListArray.from_arrays(
            np.arange(0, scores.size + 1, width, dtype=np.int32), values
        )
    offsets = np.concatenate([[0], np.cumsum(is_scored * width)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~is_scored))


def _matrix(model: Model, lists: pa.ListArray) -> np.ndarray:
    """Return the lists that are not NULL as float32 (n, k); unusable numbers are not finite."""
    if model.inputs is None:
        raise ModelError(
            f"onnx_predict: model {model.model_id} does not take a list of numbers: see select "
            "inputs from ml.model_versions, and use the functions of its task"
        )
    offsets = lists.offsets.to_numpy()
    wrong = offsets[1:] - offsets[:-1] != model.inputs
    if lists.null_count:
        wrong &= lists.is_valid().to_numpy(zero_copy_only=False)
    if wrong.any():
        length = len(lists[int(wrong.argmax())])
        raise ModelError(
            f"onnx_predict: model {model.model_id} takes {model.inputs} features, "
            f"got {length}: see select inputs from ml.model_versions"
        )
    values = lists.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    with np.errstate(over="ignore"):
        return values.astype(np.float32).reshape(-1, model.inputs)
