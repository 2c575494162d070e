"""Tree ensembles: TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble of ONNX-ML.

https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html

All trees share one list of nodes. The two children of a node are adjacent, and the first is taken
if the test x < threshold holds, so a step down is `next + (x >= threshold)`. The next node of a
leaf is the leaf itself, so every walk can take as many steps as the deepest tree has levels.

A threshold is a float64 that the number itself is compared with, before it is rounded to float32
and scaled: rounding and scaling never change an order, so there is one smallest number that gets
onto the other side. NaN is on the side of the large numbers, as DuckDB has it. Nodes that send it
to the other side read a copy of the number in which NaN is -infinity.
"""

from dataclasses import dataclass, replace

import numpy as np
import onnx

from models_py.sql_backend.attributes import attributes, check, check_computable
from models_py.sql_backend.program import Program
from models_py.sql_backend.values import Chain, Precision, Value, selection

# The comparisons in the order of their numbers in TreeEnsemble.
MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
LEAF = "LEAF"
# What SQL can evaluate, by its number in TreeEnsemble.
POST_TRANSFORMS = {0: "NONE", 1: "SOFTMAX", 2: "LOGISTIC"}
AGGREGATES = {0: "AVERAGE", 1: "SUM"}
# Nodes with two parents are copied, but not without end.
MAX_COPIES = 2
LARGEST_DOUBLE = np.finfo(np.float64).max
# Leaves are stored as float32.
CLOSE = 1e-5


@dataclass(frozen=True)
class Ensemble:
    """An ensemble as arrays over its nodes, numbered from 0 as in the operator.

    Attributes:
        modes: the comparison of each node, or LEAF.
        features: the feature that each node tests, from 0.
        thresholds: what it is compared with, in the precision of the operator.
        children: the nodes if the test holds and if not, shape (nodes, 2).
        tracks: whether the test holds for NaN.
        roots: the first node of each tree.
        leaves: what each node adds to each raw score, shape (scores, nodes).
        has_score: whether a node adds to a raw score at all; same shape.
        intercepts: the initial value of each raw score.
    """

    modes: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    children: np.ndarray
    tracks: np.ndarray
    roots: np.ndarray
    leaves: np.ndarray
    has_score: np.ndarray
    intercepts: np.ndarray


@dataclass(frozen=True)
class Raw:
    """The raw scores of a tree operator, and what it makes of them."""

    scores: Value
    transform: str
    is_distribution: bool


def raw_scores(node: onnx.NodeProto, given: Value, program: Program) -> Raw:
    """Add the steps of a tree operator to a program.

    Raises:
        NotInSQL: SQL cannot evaluate the ensemble.
        KeyError: a child or a leaf that is not among the nodes.
        ValueError: the number of a feature, target, class or node is out of range.
    """
    values = attributes(node)
    check(given.shape == (given.size,), "trees for more than a row")
    found = _by_index(values) if node.op_type == "TreeEnsemble" else _by_id(values)
    check_computable(found.leaves, found.intercepts)
    is_leaf = found.modes == LEAF
    # SQL and ONNX Runtime compare with NaN differently.
    check(not np.isnan(found.thresholds[~is_leaf]).any(), "a threshold is NaN")
    _check_range("feature", found.features[~is_leaf], given.size)
    transform, leaves, intercepts = _transformed(values, found)
    places, thresholds, is_swapped = _tests(found, given, program)
    children = np.where(is_swapped[:, None], found.children[:, ::-1], found.children)
    order, following, depth = _breadth_first(found.roots, children, is_leaf)
    scores = program.grow(
        len(found.roots), depth, places[order], thresholds[order], following, leaves[:, order]
    )
    # Only the newest operator answers in float64.
    is_double = node.op_type == "TreeEnsemble" and given.dtype == np.float64
    raw = selection(
        scores,
        given.dtype if is_double else np.dtype(np.float32),
        Precision.DOUBLE if is_double else Precision.VOTES,
    )
    raw = replace(raw, intercepts=intercepts)
    return Raw(raw, transform, transform != "NONE" or _is_distribution(found))


def _by_id(values: dict) -> Ensemble:
    """Return an ensemble whose nodes have a number within their tree."""
    modes = np.array([mode.decode() for mode in values["nodes_modes"]])
    check(set(modes) <= {*MODES, LEAF}, "an unknown comparison")
    keys = zip(values["nodes_treeids"], values["nodes_nodeids"], strict=True)
    place = {key: number for number, key in enumerate(keys)}
    if len(place) < len(modes):
        raise ValueError("two nodes have the same number")
    sides = (values["nodes_truenodeids"], values["nodes_falsenodeids"])
    children = [
        [0 if mode == LEAF else place[tree, child] for child in pair]
        for tree, mode, *pair in zip(values["nodes_treeids"], modes, *sides, strict=True)
    ]
    what = "class" if "class_ids" in values else "target"
    ids = np.array(values[f"{what}_ids"])
    keys = zip(values[f"{what}_treeids"], values[f"{what}_nodeids"], strict=True)
    labels = _labels(values)
    scores = len(labels) if what == "class" else values.get("n_targets", 1)
    if what == "class" and len(labels) == 2 and not ids.any():
        scores = 1  # that of the second class
    _check_range(what, ids, scores)
    added = (ids, np.array([place[key] for key in keys], dtype=int))
    leaves = np.zeros((scores, len(modes)))
    np.add.at(leaves, added, _numbers(values, f"{what}_weights"))
    has_score = np.zeros(leaves.shape, dtype=bool)
    has_score[added] = True
    base = _numbers(values, "base_values") if _has(values, "base_values") else np.zeros(scores)
    check(len(base) == scores, "as many base values as scores")
    features = np.array(values["nodes_featureids"], dtype=int)
    return Ensemble(
        modes=modes,
        features=np.where(modes == LEAF, 0, features),
        thresholds=_numbers(values, "nodes_values"),
        children=np.array(children, dtype=int).reshape(-1, 2),
        tracks=_tracks(values, len(modes)),
        roots=np.array([place[key] for key in place if key[1] == 0], dtype=int),
        leaves=leaves,
        has_score=has_score,
        intercepts=base,
    )


def _by_index(values: dict) -> Ensemble:
    """Return an ensemble of the operator TreeEnsemble: leaves and inner nodes have own lists."""
    inner, targets = len(values["nodes_featureids"]), np.array(values["leaf_targetids"])
    scores, leaf = values.get("n_targets", 1), np.arange(len(targets))
    _check_range("target", targets, scores)
    kinds = np.array(values["nodes_modes"], dtype=int)
    check(len(kinds) == inner, "a comparison for each node")
    check(set(kinds.tolist()) <= set(range(len(MODES))), "an unknown comparison")
    sides = [
        np.array(values[f"nodes_{side}nodeids"], dtype=int)
        + inner * np.array(values[f"nodes_{side}leafs"], dtype=int)
        for side in ("true", "false")
    ]
    leaves = np.zeros((scores, inner + len(leaf)))
    leaves[targets, inner + leaf] = values["leaf_weights"]
    is_leaf = np.arange(inner + len(leaf)) >= inner
    thresholds = np.asarray(values["nodes_splits"])
    tracks = _tracks(values, inner)
    roots = np.array(values["tree_roots"], dtype=int)
    _check_range("node", np.concatenate([*sides, roots]), len(is_leaf))
    none = np.zeros(len(leaf), dtype=int)
    return Ensemble(
        modes=np.concatenate([np.array(MODES)[kinds], np.full(len(leaf), LEAF)]),
        features=np.concatenate([np.array(values["nodes_featureids"], dtype=int), none]),
        thresholds=np.concatenate([thresholds, none.astype(thresholds.dtype)]),
        children=np.stack([np.concatenate([side, none]) for side in sides], axis=1),
        tracks=np.concatenate([tracks, none > 0]),
        roots=roots,
        leaves=leaves,
        has_score=leaves != 0,
        intercepts=np.zeros(scores),
    )


def _tracks(values: dict, count: int) -> np.ndarray:
    """Return for each node whether its test holds for NaN."""
    found = np.array(values.get("nodes_missing_value_tracks_true") or [0] * count) > 0
    if len(found) != count:
        raise ValueError(f"{len(found)} flags of missing inputs for {count} nodes")
    return found


def _numbers(values: dict, name: str) -> np.ndarray:
    """Return numbers of an operator, which are a list of float32 or a tensor of float64."""
    tensor = values.get(f"{name}_as_tensor")
    return np.array(values[name], dtype=np.float32) if tensor is None else tensor.ravel()


def _has(values: dict, name: str) -> bool:
    return bool(values.get(name)) or f"{name}_as_tensor" in values


def _labels(values: dict) -> list:
    return next((v for name, v in values.items() if name.startswith("classlabels_")), [])


def _check_range(what: str, numbers: np.ndarray, count: int) -> None:
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < count:
        raise ValueError(f"{what} {numbers.min()} to {numbers.max()} of {count}")


def _transformed(values: dict, found: Ensemble) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the transform, the leaves and the intercepts as ONNX Runtime has them."""
    post = values.get("post_transform", "NONE")
    post = POST_TRANSFORMS.get(post, post)
    check(post in POST_TRANSFORMS.values(), f"the transform {post}")
    aggregate = values.get("aggregate_function", "SUM")
    aggregate = AGGREGATES.get(aggregate, aggregate)
    check(aggregate in AGGREGATES.values(), f"trees with {aggregate}")
    leaves = found.leaves / (len(found.roots) if aggregate == "AVERAGE" else 1)
    scores, labels = len(leaves), len(_labels(values))
    is_certain = _is_certain(found)
    # ONNX Runtime leaves out the base value of a score that no leaf of a row has.
    check(bool((is_certain | (found.intercepts == 0)).all()), "base values without leaves")
    if labels == 2 and scores == 2:
        # It also takes a row without a score of the second class for one of a single score.
        check(bool(is_certain[1]) and not found.intercepts.any(), "leaves of one of two classes")
    if labels == 2 and scores == 1 and post != "LOGISTIC":
        if (leaves >= 0).all():
            return "BINARY", leaves, found.intercepts
        base = found.intercepts
        return "NONE", np.concatenate([-leaves, leaves]), np.concatenate([-base, base])
    if post == "LOGISTIC":
        check(labels > 0, "a regressor with a logistic transform")
        return "LOGISTIC" if scores == 1 else "SIGMOID", leaves, found.intercepts
    check(post == "NONE" or scores > 1, "the softmax of one score")
    return post, leaves, found.intercepts


def _is_certain(found: Ensemble) -> np.ndarray:
    """Return for each score whether every row gets one: all leaves of some tree have it."""
    is_leaf, trees = found.modes == LEAF, _trees(found)
    counts = [np.bincount(trees[is_leaf], has[is_leaf]) for has in found.has_score]
    return np.array([(count == np.bincount(trees[is_leaf])).any() for count in counts])


def _is_distribution(found: Ensemble) -> bool:
    """Return whether the raw scores of every row are at least 0 and add up to 1."""
    is_leaf, trees = found.modes == LEAF, _trees(found)
    sums = found.leaves[:, is_leaf].sum(axis=0)
    low, high = np.full(len(found.roots), np.inf), np.full(len(found.roots), -np.inf)
    np.minimum.at(low, trees[is_leaf], sums)
    np.maximum.at(high, trees[is_leaf], sums)
    total = high.sum() + found.intercepts.sum()
    if len(found.leaves) == 1:  # the other class has the rest
        return bool(low.sum() + found.intercepts.sum() >= 0 and total <= 1 + CLOSE)
    is_constant = (high - low < CLOSE).all() and abs(total - 1) < CLOSE
    return bool((found.leaves >= 0).all() and (found.intercepts >= 0).all() and is_constant)


def _trees(found: Ensemble) -> np.ndarray:
    """Return the tree of each node."""
    trees = np.zeros(len(found.modes), dtype=int)
    nodes, numbers = found.roots, np.arange(len(found.roots))
    for _ in range(len(found.modes)):  # bounded, because a malformed tree may have a cycle
        trees[nodes] = numbers
        inner = found.modes[nodes] != LEAF
        if not inner.any():
            break
        nodes = found.children[nodes[inner]].ravel()
        numbers = np.repeat(numbers[inner], 2)
        check(len(nodes) <= MAX_COPIES * len(found.modes), "nodes with two parents")
    return trees


def _breadth_first(
    roots: np.ndarray, children: np.ndarray, is_leaf: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the nodes level by level, siblings adjacent, and what `Forest` needs of them.

    Returns:
        The number of each node, again for each of its parents; the place of the first child of
        each, from 1; and the number of levels below a root.
    """
    order, following = [], []
    level, before, depth = roots, 0, -1
    while len(level):
        order.append(level)
        places = before + np.arange(1, len(level) + 1)
        before += len(level)
        inner = ~is_leaf[level]
        places[inner] = before + 1 + 2 * np.arange(inner.sum())
        following.append(places)
        level = children[level[inner]].ravel()
        depth += 1
        check(before + len(level) <= MAX_COPIES * len(is_leaf), "nodes with two parents")
    return np.concatenate(order), np.concatenate(following), depth


def _tests(
    found: Ensemble, given: Value, program: Program
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what each node compares, with what, and whether its second child comes first.

    A leaf compares the first number with infinity, so that it always passes. No other node does.
    """
    places = np.ones(len(found.modes), dtype=int)
    thresholds = np.full(len(found.modes), np.inf)
    nodes = np.flatnonzero(found.modes != LEAF)
    modes, features = found.modes[nodes], found.features[nodes]
    used, columns = np.unique(features, return_inverse=True)
    chosen = given.select(used, (len(used),))
    if not _is_monotone(chosen):
        chosen = program.exact(chosen)
    places[nodes] = chosen.places[columns]
    limits = found.thresholds[nodes].astype(given.dtype)
    is_above = np.isin(modes, ("BRANCH_LEQ", "BRANCH_GT"))
    limits = np.where(is_above, np.nextafter(limits, given.dtype.type(np.inf)), limits)
    for column in range(len(used)):
        own = columns == column
        chain = chosen.chains[column] if chosen.chains else ()
        found_limits = _limits(limits[own], chain, program.dtype)
        thresholds[nodes[own]] = np.clip(found_limits, -LARGEST_DOUBLE, LARGEST_DOUBLE)
    is_swapped = np.isin(found.modes, ("BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ"))
    _compare_equal(found, chosen, columns, nodes, places, thresholds, program)
    # Where NaN goes to the first child.
    is_equal = np.isin(found.modes, ("BRANCH_EQ", "BRANCH_NEQ"))
    is_low = (found.modes != LEAF) & ~is_equal & (found.tracks != is_swapped)
    _read_lowest(is_low, places, program)
    return places, thresholds, is_swapped


def _is_monotone(value: Value) -> bool:
    """Return whether each number grows with the number in its place, by the bit."""
    return (
        value.chains is not None
        and bool(value.places.all())
        and all(step.is_increasing for chain in value.chains for step in chain)
    )


def _compare_equal(
    found: Ensemble,
    chosen: Value,
    columns: np.ndarray,
    nodes: np.ndarray,
    places: np.ndarray,
    thresholds: np.ndarray,
    program: Program,
) -> None:
    """Let the nodes that test for equality test a number that is 1 if it holds, else 0."""
    is_equal = np.isin(found.modes[nodes], ("BRANCH_EQ", "BRANCH_NEQ"))
    own = nodes[is_equal]
    if not len(own):
        return
    check(not (found.tracks[own] & (found.modes[own] == "BRANCH_EQ")).any(), "missing as equal")
    numbers = program.exact(chosen.select(columns[is_equal], (len(own),)))
    limits = -found.thresholds[own].astype(float)
    equal = program.decision("IsZero", numbers.scaled(np.ones(len(own)), limits))
    places[own] = equal.places
    thresholds[own] = 0.5


def _read_lowest(is_low: np.ndarray, places: np.ndarray, program: Program) -> None:
    """Let nodes read copies of the numbers in their places in which NaN is -infinity."""
    used, copies = np.unique(places[is_low], return_inverse=True)
    if len(used):
        numbers = selection(used, program.dtype, Precision.EXACT)
        places[is_low] = program.filled(numbers, np.full(len(used), -np.inf)).places[copies]


def _limits(limits: np.ndarray, chain: Chain, dtype: np.dtype) -> np.ndarray:
    """Return for each limit the smallest number that becomes at least as large.

    A number becomes what the operations of the chain make of it, and is rounded to dtype before.
    """
    smallest = _smallest(limits, chain, dtype) if chain else limits.astype(dtype)
    if dtype != np.float32:
        return smallest.astype(float)
    below = np.nextafter(smallest, np.float32(-np.inf)).astype(float)
    middle = (below + smallest.astype(float)) / 2
    is_rounded_up = middle.astype(np.float32) >= smallest
    found = np.where(is_rounded_up, middle, np.nextafter(middle, np.inf))
    return np.where(np.isfinite(middle), found, smallest)


def _smallest(limits: np.ndarray, chain: Chain, dtype: np.dtype) -> np.ndarray:
    """Search the smallest numbers of a type that a chain takes to the limits or above."""
    high = np.full(len(limits), _rank(np.array(np.inf, dtype)))
    low = -high
    with np.errstate(all="ignore"):
        while (low < high).any():
            middle = (low & high) + ((low ^ high) >> 1)  # the mean without an overflow
            reached = _number(middle, dtype)
            for operation in chain:
                reached = operation(reached)
            high = np.where(reached >= limits, middle, high)
            low = np.where((reached >= limits) | (low >= high), low, middle + 1)
    return _number(high, dtype)


def _rank(number: np.ndarray) -> int:
    """Return the place of a number that is not negative among all numbers of its type."""
    return int(number.view(np.int32 if number.dtype == np.float32 else np.int64))


def _number(rank: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the numbers with these places; those below 0 have negative places."""
    magnitudes = np.abs(rank).astype(np.int32 if dtype == np.float32 else np.int64).view(dtype)
    return np.where(rank < 0, -magnitudes, magnitudes)
