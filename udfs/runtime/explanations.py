"""`onnx_explain`: what each argument adds to a model's score, as Shapley values."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from udfs.errors import ModelError
from udfs.runtime import shapley
from udfs.runtime.plans import Plan
from udfs.runtime.scores import answered, given
from udfs.runtime.sessions import Model, Models
from udfs.runtime.vectors import by_model, whole

TERM = pa.struct([("rank", pa.int32()), ("feature", pa.string()), ("contribution", pa.float64())])
EXPLANATION = pa.list_(TERM)
# Mixed songs that are scored together: they fit the processor's cache.
MIXED = 4_096

Plans = Callable[[str], Plan]


def onnx_explain(
    models: Models,
    plans: Plans,
    plan_ids: pa.ChunkedArray,
    model_ids: pa.ChunkedArray,
    features: pa.ChunkedArray,
    outputs: pa.ChunkedArray,
) -> pa.Array:
    """Explain one score of each row; NULL where the model has no answer or the plan is NULL.

    Args:
        models: returns a model.
        plans: returns a plan.
        plan_ids: the plan of each row.
        model_ids: the model of each row.
        features: the encoded inputs.
        outputs: the place of the score, from 1; NULL is the largest.

    Raises:
        ModelError: a model or plan is missing, or the number of features or of the output is wrong.
    """
    columns = [whole(plan_ids), whole(features), whole(outputs)]
    return by_model(models, model_ids, columns, partial(_explained, plans))


def _explained(plans: Plans, model: Model, columns: list[pa.Array]) -> pa.Array:
    plan_ids, features, outputs = columns
    rows, songs = given(model, features)
    scores, is_answered = answered(model, songs)
    rows, songs = rows[is_answered], songs[is_answered]
    known = {name: plans(name) for name in plan_ids.unique().to_pylist() if name is not None}
    numbers = outputs.fill_null(0).to_numpy(zero_copy_only=False)[rows]
    is_largest = outputs.is_null().to_numpy(zero_copy_only=False)[rows]
    places = np.where(is_largest, scores.argmax(axis=1), numbers - 1)
    names = plan_ids.to_numpy(zero_copy_only=False)[rows]
    found, of_rows = [], []
    for name, plan in known.items():
        for place in np.unique(places[names == name]).tolist():
            some = (names == name) & (places == place)
            _check(model, plan, place, scores.shape[1])
            terms, has_all = _terms(model, plan, place, songs[some], scores[some, place])
            found.append(_lists(plan, terms[has_all]))
            of_rows.append(rows[some][has_all])
    return _in_order(found, of_rows, len(features))


def _in_order(found: list[pa.Array], of_rows: list[np.ndarray], count: int) -> pa.Array:
    """Return `count` explanations, where each part has those of some rows, and the rest is NULL."""
    if not found:
        return pa.nulls(count, EXPLANATION)
    places = np.full(count, -1)
    places[np.concatenate(of_rows)] = np.arange(sum(map(len, of_rows)))
    return pa.concat_arrays(found).take(pa.array(places, mask=places < 0))


def _check(model: Model, plan: Plan, place: int, outputs: int) -> None:
    if not 0 <= place < outputs:
        raise ModelError(
            f"onnx_explain: output is {place + 1}: give 1 to {outputs}, or NULL for the largest"
        )
    if model.inputs != plan.backgrounds.shape[1]:
        raise ModelError(
            f"onnx_explain: the model takes {model.inputs} inputs, and the background rows of the "
            f"task have {plan.backgrounds.shape[1]}: give the task of the model"
        )


def _terms(
    model: Model, plan: Plan, place: int, songs: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms of songs (n, terms), and which songs have them (n,)."""
    plan = plan.merged
    kernel = shapley.kernel(model, plan, place)
    if kernel is None:
        parts = [*_by_mixing(model, plan, place, songs)]
        terms, has_all = (np.concatenate(part) for part in zip(*parts, strict=True))
        return terms, has_all
    terms = kernel(songs)
    # The score is a sum of float32, which rounds more than the kernel. What has no effect stays 0.
    sizes = np.abs(terms[:, 1:])
    rounding = scores - terms.sum(axis=1)
    terms[:, 1:] += sizes * (rounding / np.maximum(sizes.sum(axis=1), 1e-9))[:, None]
    return terms, np.ones(len(songs), dtype=bool)


def _by_mixing(
    model: Model, plan: Plan, place: int, songs: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the terms of some songs, by the scores of the mixed songs, and which have them."""
    count, width = plan.backgrounds.shape
    backgrounds: np.ndarray = plan.backgrounds.astype(model.floats)
    step = max(1, MIXED // count)
    for start in range(0, len(songs), step):
        some = songs[start : start + step]
        mixed = np.where(plan.is_own, some[:, None, :], backgrounds).reshape(-1, width)
        scores, is_answered = answered(model, mixed)
        found = np.zeros(len(mixed))
        found[is_answered] = scores[:, place]
        has_all = np.logical_and.reduce(is_answered.reshape(-1, count), axis=1)
        yield np.einsum("nm,mt->nt", found.reshape(-1, count), plan.weights), has_all


def _lists(plan: Plan, terms: np.ndarray) -> pa.ListArray:
    """Return the terms of songs as lists, the average first and then the largest."""
    songs, count = terms.shape
    sizes = -np.abs(terms[:, 1:])
    order = np.lexsort((np.broadcast_to(plan.name_order, sizes.shape), sizes))
    order = np.hstack([np.zeros((songs, 1), dtype=order.dtype), 1 + order])
    fields = {
        "rank": pa.array(np.tile(np.arange(count, dtype=np.int32), songs)),
        "feature": pa.array(plan.terms, pa.string()).take(pa.array(order.ravel())),
        "contribution": pa.array(np.take_along_axis(terms, order, axis=1).ravel()),
    }
    ends = pa.array(np.arange(0, songs * count + 1, count, dtype=np.int32))
    return pa.ListArray.from_arrays(
        ends, pa.StructArray.from_arrays(fields.values(), fields=[*TERM])
    )
