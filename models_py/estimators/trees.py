"""Boosted trees as lists of nodes, and the ONNX operator that evaluates them.

https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper


@dataclass(frozen=True)
class Tree:
    """A tree of n nodes; node 0 is the root.

    Attributes:
        feature: shape (n,), the feature that a node tests, from 0.
        threshold: shape (n,), float64; a value goes to the left if it passes the ensemble's test.
        left: shape (n,), the left child; -1 in a leaf.
        right: shape (n,), the right child; -1 in a leaf.
        missing_left: shape (n,), whether a missing value goes to the left.
        value: shape (n, w), what a leaf adds to the raw scores of the tree.
        scores: the w raw scores that the tree adds to, from 0.
    """

    feature: NDArray[np.integer]
    threshold: NDArray[np.floating]
    left: NDArray[np.integer]
    right: NDArray[np.integer]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.floating]
    scores: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Ensemble:
    """Trees whose leaves are added up to raw scores.

    Attributes:
        trees: all trees.
        base: shape (m,), the raw scores without trees.
        link: how raw scores become the answer: identity, sigmoid, softmax, or exp.
        is_strict: whether a value goes to the left if it is below the threshold; otherwise also if
            it equals the threshold.
        is_double: whether values are compared as float64. Otherwise they are first rounded to
            float32, as their source does, whose thresholds are float32.
    """

    trees: Sequence[Tree]
    base: NDArray[np.floating]
    link: str
    is_strict: bool
    is_double: bool


def attributes(ensemble: Ensemble, what: str, is_double: bool) -> dict:
    """Return the attributes of the operator of an ensemble, without labels and transforms.

    Args:
        ensemble: the trees.
        what: target for TreeEnsembleRegressor, class for TreeEnsembleClassifier.
        is_double: whether the operator gets float64 features; its numbers have the same type.
    """
    floats = np.float64 if is_double else np.float32
    base = np.asarray(ensemble.base, dtype=floats)
    return {
        **_nodes(ensemble, floats),
        **_leaves(ensemble, what, floats),
        # onnxruntime answers wrongly for two classes with two zeros here.
        **(_numbers("base_values", base) if base.any() else {}),
    }


def _nodes(ensemble: Ensemble, floats: type) -> dict:
    trees = ensemble.trees
    sizes = [len(tree.feature) for tree in trees]
    is_leaf = np.concatenate([tree.left < 0 for tree in trees])
    names = {
        "nodes_featureids": "feature",
        "nodes_truenodeids": "left",
        "nodes_falsenodeids": "right",
        "nodes_missing_value_tracks_true": "missing_left",
    }
    return {
        **{attribute: _inner(trees, is_leaf, name).tolist() for attribute, name in names.items()},
        **_numbers("nodes_values", _thresholds(_inner(trees, is_leaf, "threshold", float), floats)),
        "nodes_treeids": np.repeat(np.arange(len(trees)), sizes).tolist(),
        "nodes_nodeids": np.concatenate([np.arange(size) for size in sizes]).tolist(),
        "nodes_modes": np.where(
            is_leaf, "LEAF", "BRANCH_LT" if ensemble.is_strict else "BRANCH_LEQ"
        ).tolist(),
    }


def _inner(trees: Sequence[Tree], is_leaf: np.ndarray, name: str, type: type = int) -> np.ndarray:
    """Return a field of all nodes, 0 in leaves."""
    return np.where(is_leaf, 0, np.concatenate([getattr(tree, name) for tree in trees])).astype(
        type
    )


def _thresholds(exact: np.ndarray, floats: type) -> np.ndarray:
    """Return thresholds of a type, rounded down, so that the values of this type pass alike."""
    with np.errstate(over="ignore"):
        rounded: np.ndarray = exact.astype(floats)
    return np.where(rounded > exact, np.nextafter(rounded, floats(-np.inf)), rounded)


def _leaves(ensemble: Ensemble, what: str, floats: type) -> dict:
    trees, nodes, scores, weights = [], [], [], []
    for number, tree in enumerate(ensemble.trees):
        places = np.flatnonzero(tree.left < 0)
        trees.append(np.full(len(places) * len(tree.scores), number))
        nodes.append(np.repeat(places, len(tree.scores)))
        scores.append(np.tile(tree.scores, len(places)))
        weights.append(tree.value[places].ravel())
    return {
        f"{what}_treeids": np.concatenate(trees).tolist(),
        f"{what}_nodeids": np.concatenate(nodes).tolist(),
        f"{what}_ids": np.concatenate(scores).tolist(),
        **_numbers(f"{what}_weights", np.concatenate(weights).astype(floats)),
    }


def _numbers(name: str, values: np.ndarray) -> dict:
    """Return an attribute of numbers as the operator wants it: float64 only in a tensor."""
    if values.dtype == np.float32:
        return {name: values.tolist()}
    return {f"{name}_as_tensor": numpy_helper.from_array(values, name)}
