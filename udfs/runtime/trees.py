"""Tree ensembles in oneDAL, which takes a ninth to a fourth of onnxruntime's time.

oneDAL comes with the extra `fast`, on Linux and Windows with x86-64. Without it, with
HITPARADE_ONEDAL=0, and for graphs that it does not evaluate as onnxruntime does, onnxruntime does
the work.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from udfs.runtime.forests import LEAF, Forest, forest

Scorer = Callable[[np.ndarray], np.ndarray]

# onnxruntime and oneDAL round differently after the sum of the trees.
TOLERANCE = 4e-7
# Rows that both have to answer alike, with values at and beside the thresholds of the trees.
PROBES = 2_048
# Building larger forests would take more than a second.
MOST_NODES = 300_000
log = logging.getLogger("udfs")


@cache
def _onedal() -> ModuleType | None:
    """Return oneDAL, with one thread as DuckDB runs vectors in parallel itself; None if absent."""
    try:
        import daal4py
    except ImportError:
        return None
    daal4py.daalinit(1)
    return daal4py


def scorer(content: bytes, expected: Scorer) -> Scorer | None:
    """Return a function of features (n, k) to scores (n, m), both float32; None to not use oneDAL.

    Args:
        content: a graph.
        expected: its scores by onnxruntime.
    """
    is_off = os.environ.get("HITPARADE_ONEDAL") == "0"
    onedal = None if is_off else _onedal()
    if onedal is None:
        return None
    try:
        trees = forest(content)
        found = _built(onedal, trees) if trees else None
        return found if trees and found and _agree(found, expected, trees) else None
    except Exception as error:  # whatever oneDAL refuses, onnxruntime evaluates
        log.info("oneDAL does not evaluate a model, so onnxruntime does: %s", error)
        return None


def _built(onedal: ModuleType, trees: Forest) -> Scorer | None:
    answer, values, kind = _answer(trees), trees.values, trees.kind
    if answer is None or len(trees.modes) > MOST_NODES:
        return None
    leaves = list(
        zip(
            values[f"{kind}_treeids"],
            values[f"{kind}_nodeids"],
            values[f"{kind}_ids"],
            values[f"{kind}_weights"],
            strict=True,
        )
    )
    output_of = {tree: output for tree, _, output, _ in leaves}
    if any(output_of[tree] != output for tree, _, output, _ in leaves):
        return None  # a tree that adds to several scores would be walked once for each
    weights = {(tree, node): weight for tree, node, _, weight in leaves}
    of_outputs = [
        [one for one in output_of if output_of[one] == output] for output in range(trees.outputs)
    ]
    models = [_model(onedal, trees, of_output, weights) for of_output in of_outputs]

    def scores(features: np.ndarray) -> np.ndarray:
        # oneDAL's objects keep their last result, so each call has its own.
        found = [onedal.gbt_regression_prediction(fptype="float") for _ in models]
        raw = [
            one.compute(features, model).prediction[:, 0]
            for one, model in zip(found, models, strict=True)
        ]
        with np.errstate(over="ignore"):  # the probability is then 0 or 1
            return answer(np.column_stack(raw) + trees.base)

    return scores


def _answer(trees: Forest) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the function from sums to scores; None if it is another one."""
    found = {
        (b"NONE", False): lambda raw: raw,
        (b"NONE", True): lambda raw: np.hstack([1 - raw, raw]),
        (b"LOGISTIC", True): lambda raw: np.hstack([1 / (1 + np.exp(raw)), 1 / (1 + np.exp(-raw))]),
        (b"SOFTMAX", False): _softmax,
    }
    return found.get((trees.link, trees.is_binary))


def _softmax(raw: np.ndarray) -> np.ndarray:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _model(
    onedal: ModuleType,
    trees: Forest,
    numbers: list[int],
    weights: Mapping[tuple[int, int], float],
) -> Any:
    """Return oneDAL's model of the sum of some trees."""
    values, place = trees.values, trees.places
    sizes = np.bincount(values["nodes_treeids"])
    builder = onedal.gbt_reg_model_builder(n_features=trees.width, n_iterations=len(numbers))
    for tree in numbers:
        handle = builder.create_tree(int(sizes[tree]))
        waiting: list[tuple[int, dict]] = [(0, {})]
        while waiting:
            node, below = waiting.pop()
            index = place[tree, node]
            if trees.modes[index] == LEAF:
                weight = weights.get((tree, node), 0.0)
                builder.add_leaf(tree_id=handle, response=weight, cover=0.0, **below)
                continue
            parent = builder.add_split(
                tree_id=handle,
                feature_index=values["nodes_featureids"][index],
                feature_value=float(trees.largest_left[index]),
                cover=0.0,
                default_left=0,
                **below,
            )
            children = (values["nodes_truenodeids"][index], values["nodes_falsenodeids"][index])
            waiting += [
                (child, {"parent_id": parent, "position": position})
                for position, child in enumerate(children)
            ]
    return builder.model(base_score=None)


def _agree(found: Scorer, expected: Scorer, trees: Forest) -> bool:
    probes = np.column_stack(list(_probes(trees)))
    right = expected(probes)
    mine = found(probes)
    if mine.shape != right.shape or not np.isfinite(right).all():
        return False
    return bool((np.abs(mine - right) <= TOLERANCE * np.maximum(1, np.abs(right))).all())


def _probes(trees: Forest) -> Iterator[np.ndarray]:
    """Yield PROBES values of each feature: its thresholds and the numbers beside them."""
    rng = np.random.default_rng(0)
    features = np.array(trees.values["nodes_featureids"])
    thresholds = np.array(trees.values["nodes_values"], dtype=np.float32)
    for feature in range(trees.width):
        own = np.unique(thresholds[(features == feature) & (trees.modes != LEAF)])
        own = np.append(own, np.float32(0.5))
        beside = [np.nextafter(own, np.float32(side)) for side in (-np.inf, np.inf)]
        yield rng.choice(np.concatenate([own, *beside]), PROBES)
