"""Explanations of trees and linear models that score no mixed song.

A mixed song comes to a leaf if the explained song meets the leaf's conditions on the arguments that
are its own, and the background song meets the others. What the backgrounds do is known before, so a
leaf adds the same to all explained songs that fail its conditions on the same arguments (Lundberg
et al., 2020). The answers are those of the plan.
"""

import logging
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import onnx

from udfs.runtime import leaves
from udfs.runtime.forests import Forest, forest
from udfs.runtime.plans import Plan
from udfs.runtime.sessions import Model

# Returns the terms (n, terms) of songs (n, k).
Kernel = Callable[[np.ndarray], np.ndarray]

# An answer and the sum of its terms differ by rounding only.
TOLERANCE = 2e-6
# More weights would take hundreds of megabytes.
MOST_WEIGHTS = 30_000_000
# With more coalitions of all arguments, mixing the songs is faster.
MOST_COALITIONS = 32
log = logging.getLogger("udfs")


@lru_cache(maxsize=16)
def kernel(model: Model, plan: Plan, place: int) -> Kernel | None:
    """Return the function that explains one score of a model; None if its songs must be mixed."""
    if model.content is None or not np.isfinite(plan.backgrounds).all():
        return None
    try:
        trees = forest(model.content)
        found = _of_trees(trees, plan, place) if trees else _of_line(model.content, plan, place)
        return found if found and _agrees(found, model, plan, place) else None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # an unusual graph
        log.info("the songs that explain a model are mixed: %s", error)
        return None


def _agrees(found: Kernel, model: Model, plan: Plan, place: int) -> bool:
    songs: np.ndarray = np.unique(plan.backgrounds.astype(model.floats), axis=0)
    terms = found(songs)
    sizes = np.maximum(1, np.abs(terms).sum(axis=1))
    right = model.run(["scores"], {"features": songs})[0][:, place]
    return bool((np.abs(terms.sum(axis=1) - right) <= TOLERANCE * sizes).all())


def _of_line(content: bytes, plan: Plan, place: int) -> Kernel | None:
    """Explain a linear model: each input adds its part of the sum."""
    nodes = list(onnx.load_model_from_string(content).graph.node)
    if [node.op_type for node in nodes] not in (["LinearRegressor"], ["Scaler", "LinearRegressor"]):
        return None
    values = {
        one.name: onnx.helper.get_attribute_value(one) for node in nodes for one in node.attribute
    }
    if values.get("post_transform", b"NONE") != b"NONE":
        return None
    width = plan.backgrounds.shape[1]
    slopes = np.array(values["coefficients"]).reshape(-1, width)[place] * values.get("scale", [1])
    intercept = values.get("intercepts", [0] * (place + 1))[place]
    intercept -= (slopes * values.get("offset", [0])).sum()
    shares = slopes[:, None] * np.einsum("mi,mt->it", plan.is_own, plan.weights)
    others = (np.where(plan.is_own, 0, plan.backgrounds) * slopes).sum(axis=1)
    constants = np.einsum("m,mt->t", intercept + others, plan.weights)
    return lambda songs: np.einsum("ni,it->nt", songs, shares) + constants


def _of_trees(trees: Forest, plan: Plan, place: int) -> Kernel | None:
    found = _sum_of_score(trees, place)
    if found is None:
        return None
    output, sign, base = found
    mixes = leaves.Mixes(plan)
    blocks = [*leaves.blocks(trees, sign * trees.weights(output), mixes)]
    if trees.link == b"NONE":
        if sum(int(block.sizes.sum()) for block in blocks) * len(plan.terms) > MOST_WEIGHTS:
            return None
        parts = [[leaves.terms(block, plan, mixes)] for block in blocks]
        averages = base * (np.arange(len(plan.terms)) == 0)
        return lambda songs: averages + leaves.sums(blocks, parts, songs, len(plan.terms))
    coalitions, coalition = np.unique(mixes.own, axis=0, return_inverse=True)
    count = sum(len(block.weights) for block in blocks) * len(plan.weights)
    if len(coalitions) > MOST_COALITIONS or count > MOST_WEIGHTS:
        return None
    members = [np.flatnonzero(coalition == number) for number in range(len(coalitions))]
    parts = [leaves.mixed_sums(block, mixes, members) for block in blocks]

    def logistic(songs: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # the probability is then 0
            powers = np.exp(-base - leaves.sums(blocks, parts, songs, len(plan.weights)))
        return np.einsum("nm,mt->nt", 1 / (1 + powers), plan.weights)

    return logistic


def _sum_of_score(trees: Forest, place: int) -> tuple[int, int, float] | None:
    """Return the output that a score is a function of, its sign, and what is added."""
    if trees.link == b"NONE" and not trees.is_binary:
        return place, 1, trees.base[place]
    if not trees.is_binary or trees.link not in (b"NONE", b"LOGISTIC"):
        return None
    sign = 1 if place else -1
    is_rest = trees.link == b"NONE" and not place
    return 0, sign, sign * trees.base[0] + is_rest
