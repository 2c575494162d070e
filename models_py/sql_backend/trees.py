"""Tree ensembles: the ONNX-ML operators TreeEnsembleRegressor and TreeEnsembleClassifier.

https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html

All trees share one list of nodes. The two children of a node are adjacent, and the first is taken
if the test x < threshold holds, so a step down is `next + (x >= threshold)`. The next node of a
leaf is the leaf itself, so every walk can take as many steps as the deepest tree has levels.
"""

import numpy as np
import onnx

from models_py.sql_backend.attributes import attributes, is_computable
from models_py.sql_backend.transforms import of_classifier

MODES = {"BRANCH_LT", "BRANCH_LEQ", "LEAF"}


def translate(node: onnx.NodeProto) -> dict | None:
    """Return the ensemble as lists over its nodes, numbered from 1 like SQL lists.

    Returns:
        `kind`, `transform`, `depth`, `roots` (one for each tree), `features`, `thresholds`, `next`
        (one for each node), `leaves` (m lists over the nodes: what a leaf adds to each raw score),
        `intercepts` (m). None if SQL cannot evaluate the ensemble: its trees are averaged, it has
        other comparisons than < and <=, two nodes share a child, a leaf is larger than `LARGEST`,
        or a threshold is NaN.

    Raises:
        KeyError: a child or a leaf that is not among the nodes.
        ValueError: a target or class number out of range.
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
    # SQL and ONNX Runtime compare with NaN differently.
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
    """Return the index of each (tree, node) in the operator's lists."""
    keys = zip(values["nodes_treeids"], values["nodes_nodeids"], strict=True)
    return {key: place for place, key in enumerate(keys)}


def _children(values: dict, place: dict, is_leaf: np.ndarray) -> np.ndarray:
    """Return the indices of both children of each node, shape (nodes, 2); 0 for a leaf."""
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
    """Return all nodes level by level, siblings adjacent, and the number of levels below a root.

    If a node has two parents, the result has more than all nodes: then the loop ends early.
    """
    order: list[int] = []
    level, depth = list(roots), -1
    while level and len(order) <= len(is_leaf):
        order += level
        depth += 1
        level = [child for node in level if not is_leaf[node] for child in children[node].tolist()]
    return np.array(order), depth


def _features(values: dict, is_leaf: np.ndarray) -> np.ndarray:
    """Return the feature that each node tests, from 1; a leaf tests feature 1 and always passes."""
    return np.where(is_leaf, 1, np.array(values["nodes_featureids"]) + 1)


def _thresholds(values: dict, modes: np.ndarray) -> np.ndarray:
    """Return the thresholds of x < threshold; x <= t becomes x < the next float32 above t."""
    thresholds = np.array(values["nodes_values"], dtype=np.float32)
    above = np.nextafter(thresholds, np.float32(np.inf))
    thresholds = np.where(modes == "BRANCH_LEQ", above, thresholds)
    return np.where(modes == "LEAF", np.float32(np.inf), thresholds)


def _leaves(values: dict, place: dict, nodes: int) -> np.ndarray:
    """Return what each node adds to each raw score, shape (scores, nodes)."""
    what = "class" if "class_ids" in values else "target"
    ids = np.array(values[f"{what}_ids"])
    if not 0 <= ids.min() <= ids.max() < len(ids):
        raise ValueError(f"{what}_ids are {ids.min()} to {ids.max()}")
    leaves = np.zeros((ids.max() + 1, nodes), dtype=np.float32)
    keys = zip(values[f"{what}_treeids"], values[f"{what}_nodeids"], strict=True)
    np.add.at(leaves, (ids, [place[key] for key in keys]), values[f"{what}_weights"])
    return leaves
