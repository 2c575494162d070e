"""Tree ensembles: TreeEnsembleRegressor and TreeEnsembleClassifier of the ONNX-ML operators.

https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html

All trees stand in one list of nodes. The two children of a node are neighbours, the one taken
when the test holds first, so that a step down is `next + (x >= threshold)`. A leaf leads to
itself, so that every walk may take as many steps as the deepest tree has levels.
"""

import numpy as np
import onnx

from models_py.sql_backend.attributes import attributes, is_computable
from models_py.sql_backend.transforms import of_classifier

MODES = {"BRANCH_LT", "BRANCH_LEQ", "LEAF"}


def translate(node: onnx.NodeProto) -> dict | None:
    """Return the ensemble as lists over its nodes, numbered from 1 as SQL lists are.

    Returns:
        `depth`, `roots` (trees), `features`, `thresholds`, `next` (nodes), `leaves` (m lists over
        the nodes: what a leaf adds to each raw score), `intercepts` (m); None for an ensemble
        that averages, that uses other comparisons, in which two nodes share a child, whose
        leaves are far too large or whose thresholds are NaN.
    """
    values = attributes(node)
    modes = np.array([mode.decode() for mode in values["nodes_modes"]])
    if not set(modes) <= MODES or values.get("aggregate_function", "SUM") != "SUM":
        return None
    place = _places(values)
    is_leaf = modes == "LEAF"
    children = _children(values, place, is_leaf)
    roots = [place[key] for key in place if key[1] == 0]
    order, depth = _breadth_first(roots, children, is_leaf)
    if len(set(order)) < len(order):
        return None
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(1, len(order) + 1)
    leaves = _leaves(values, place, len(modes))
    intercepts = np.zeros(len(leaves), dtype=np.float32)
    intercepts[:] = values.get("base_values") or 0
    thresholds = _thresholds(values, modes)
    # SQL and onnxruntime compare with NaN each in its own way.
    if not is_computable(leaves, intercepts) or np.isnan(thresholds).any():
        return None
    return {
        "kind": "trees",
        "transform": of_classifier(values, len(leaves)),
        "intercepts": intercepts.tolist(),
        "depth": depth,
        "roots": rank[roots].tolist(),
        "features": _features(values, is_leaf)[order].tolist(),
        "thresholds": thresholds[order].tolist(),
        "next": np.where(is_leaf, rank, rank[children[:, 0]])[order].tolist(),
        "leaves": leaves[:, order].tolist(),
    }


def _places(values: dict) -> dict[tuple[int, int], int]:
    """The place of each (tree, node) in the operator's lists."""
    keys = zip(values["nodes_treeids"], values["nodes_nodeids"], strict=True)
    return {key: place for place, key in enumerate(keys)}


def _children(values: dict, place: dict, is_leaf: np.ndarray) -> np.ndarray:
    """The places of both children of each node, shape (nodes, 2); 0 for a leaf."""
    sides = (values["nodes_truenodeids"], values["nodes_falsenodeids"])
    return np.array(
        [
            [0 if leaf else place[tree, child] for child in pair]
            for tree, leaf, *pair in zip(values["nodes_treeids"], is_leaf, *sides, strict=True)
        ]
    )


def _breadth_first(
    roots: list[int], children: np.ndarray, is_leaf: np.ndarray
) -> tuple[np.ndarray, int]:
    """All nodes level by level, children side by side, and the number of levels below a root.

    It ends early where there are more nodes than there can be: one was met twice.
    """
    order: list[int] = []
    level, depth = list(roots), -1
    while level and len(order) <= len(is_leaf):
        order += level
        depth += 1
        level = [child for node in level if not is_leaf[node] for child in children[node].tolist()]
    return np.array(order), depth


def _features(values: dict, is_leaf: np.ndarray) -> np.ndarray:
    """The feature each node tests, from 1; a leaf tests the first, which it always passes."""
    return np.where(is_leaf, 1, np.array(values["nodes_featureids"]) + 1)


def _thresholds(values: dict, modes: np.ndarray) -> np.ndarray:
    """The value below which a node's test holds: x <= t is x < the next float32 above t."""
    thresholds = np.array(values["nodes_values"], dtype=np.float32)
    above = np.nextafter(thresholds, np.float32(np.inf))
    thresholds = np.where(modes == "BRANCH_LEQ", above, thresholds)
    return np.where(modes == "LEAF", np.float32(np.inf), thresholds)


def _leaves(values: dict, place: dict, nodes: int) -> np.ndarray:
    """What each node adds to each raw score, shape (scores, nodes)."""
    what = "class" if "class_ids" in values else "target"
    ids = np.array(values[f"{what}_ids"])
    if not 0 <= ids.min() <= ids.max() < len(ids):
        raise ValueError(f"{what}_ids are {ids.min()} to {ids.max()}")
    leaves = np.zeros((ids.max() + 1, nodes), dtype=np.float32)
    keys = zip(values[f"{what}_treeids"], values[f"{what}_nodeids"], strict=True)
    np.add.at(leaves, (ids, [place[key] for key in keys]), values[f"{what}_weights"])
    return leaves
