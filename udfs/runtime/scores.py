"""`onnx_predict`: the scores of models whose inputs and outputs are numbers."""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


def onnx_predict_members(
    models: Models,
    model_ids: pa.ChunkedArray,
    numbers: pa.ChunkedArray,
    members: pa.ChunkedArray,
    known: pa.ChunkedArray,
) -> pa.Array:
    """Score rows whose last inputs are a one-hot group, as `onnx_predict` does.

    Args:
        models: gives the model of an id.
        model_ids: the model of each row.
        numbers: the inputs before the group.
        members: the strings that the row has. Those that are not known are ignored.
        known: the members of the group in the order of the inputs, with `;` between them; the same
            in every row.

    Raises:
        ModelError: a model is missing, `known` is NULL or varies, or the number of features is
            wrong.
    """
    texts = whole(known)
    if texts.null_count or not texts.slice(1).equals(texts.slice(0, len(texts) - 1)):
        raise ModelError("onnx_predict: known is NULL or varies: give one text for all rows")
    compute = partial(_scores_by_members, _group(texts[0].as_py()))
    return by_model(models, model_ids, [whole(numbers), whole(members)], compute)


class Group(NamedTuple):
    """The members of a one-hot group, and pairs of places that have the same member."""

    members: pa.Array
    same: list[tuple[int, int]]


@lru_cache(maxsize=64)
def _group(known: str) -> Group:
    members = known.split(";")
    first = {member: place for place, member in reversed([*enumerate(members)])}
    same = [(place, first[one]) for place, one in enumerate(members) if first[one] != place]
    return Group(pa.array(members), same)


def _scores(model: Model, columns: list[pa.Array]) -> pa.ListArray:
    """Return the scores; NULL if a feature is not a number up to LARGEST, or a score not finite."""
    (lists,) = columns
    matrix = _matrix(model, lists)
    return _scored(model, matrix, _is_given(lists) if lists.null_count else None)


def _scores_by_members(group: Group, model: Model, columns: list[pa.Array]) -> pa.ListArray:
    numbers, members = columns
    count = len(group.members)
    offsets = numbers.offsets.to_numpy()
    _check_widths(model, offsets[1:] - offsets[:-1] + count)
    matrix = np.zeros((len(numbers), model.inputs or 0), dtype=model.floats)
    first = matrix.shape[1] - count
    values = numbers.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    with np.errstate(over="ignore"):
        matrix[:, :first] = values.reshape(len(numbers), -1)
    # A setting of DuckDB gives views of strings, which pyarrow cannot search.
    places = pc.index_in(pc.list_flatten(members).cast(pa.string()), group.members)
    is_known = places.is_valid()
    rows = pc.list_parent_indices(members).filter(is_known).to_numpy()
    matrix[rows, first + places.filter(is_known).to_numpy()] = 1
    for place, same in group.same:
        matrix[:, first + place] = matrix[:, first + same]
    if members.null_count:
        matrix[~_is_given(members)] = np.inf  # unusable even for a model that takes missing values
    return _scored(model, matrix)


def _scored(model: Model, matrix: np.ndarray, is_given: np.ndarray | None = None) -> pa.ListArray:
    """Return the scores of the rows that are given; None means all. See `_scores`."""
    scores, good = answered(model, matrix)
    rows = len(matrix) if is_given is None else len(is_given)
    if not len(scores):
        return pa.nulls(rows, SCORES)
    if is_given is None and len(scores) == rows:
        return _lists(scores)
    is_scored = np.zeros(rows, dtype=bool)
    places = np.arange(rows) if is_given is None else np.flatnonzero(is_given)
    is_scored[places[good]] = True
    return _lists(scores, is_scored)


def answered(model: Model, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of the rows that have an answer, and which rows have one.

    Raises:
        ModelError: onnxruntime cannot score the rows.
    """
    good = _rows_within(matrix, LARGEST, model.missing)
    if not good.any():
        return np.zeros((0, 1)), good
    scores = model.run(["scores"], {"features": matrix if good.all() else matrix[good]})[0]
    is_finite = _rows_within(scores, float(np.finfo(np.float32).max))
    if is_finite.all():
        return scores, good
    good[good] = is_finite
    return scores[is_finite], good


def _rows_within(matrix: np.ndarray, bound: float, missing: np.ndarray | None = None) -> np.ndarray:
    """Return which rows have all numbers within a bound; fast if all rows do, the usual case.

    Args:
        matrix: shape (n, k).
        bound: the largest size of a number.
        missing: shape (k,), which columns may be NaN; none by default.
    """
    sizes = np.abs(matrix)
    rows = np.ones(len(matrix), dtype=bool)
    if not sizes.max(initial=0) <= bound:  # the maximum is NaN if any number is
        is_bad = ~(sizes <= bound)
        if missing is not None:
            is_bad &= ~(np.isnan(matrix) & missing)
        rows[np.nonzero(is_bad)[0]] = False
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


def given(model: Model, lists: pa.ListArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the lists that are not NULL, and their features (n, k).

    Raises:
        ModelError: the number of features is wrong.
    """
    return np.flatnonzero(_is_given(lists)), _matrix(model, lists)


def _matrix(model: Model, lists: pa.ListArray) -> np.ndarray:
    """Return the lists that are not NULL as (n, k); unusable numbers are not finite."""
    offsets = lists.offsets.to_numpy()
    _check_widths(model, offsets[1:] - offsets[:-1], _is_given(lists) if lists.null_count else True)
    values = lists.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    with np.errstate(over="ignore"):
        return values.astype(model.floats).reshape(-1, model.inputs)


def _is_given(lists: pa.ListArray) -> np.ndarray:
    return lists.is_valid().to_numpy(zero_copy_only=False)


def _check_widths(model: Model, widths: np.ndarray, is_given: np.ndarray | bool = True) -> None:
    """Check the number of features of each row that is given."""
    if model.inputs is None:
        raise ModelError(
            f"onnx_predict: model {model.model_id} does not take a list of numbers: see select "
            "inputs from ml.model_versions, and use the functions of its task"
        )
    wrong = (widths != model.inputs) & is_given
    if wrong.any():
        raise ModelError(
            f"onnx_predict: model {model.model_id} takes {model.inputs} features, "
            f"got {widths[int(wrong.argmax())]}: see select inputs from ml.model_versions"
        )
