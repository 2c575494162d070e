"""Boosted trees of other libraries, read from what the library itself writes.

- XGBoost: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
- LightGBM: Booster.dump_model
- CatBoost: its own ONNX file
- HistGradientBoosting of scikit-learn: the nodes of its predictors
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from models_py.estimators.errors import UnsupportedError
from models_py.estimators.trees import Ensemble, Tree

# How raw scores become the answer, by the objective of XGBoost and LightGBM without its group.
LINKS = {
    "logistic": "sigmoid",
    "binary": "sigmoid",
    "multiclassova": "sigmoid",
    "cross_entropy": "sigmoid",
    "softprob": "softmax",
    "softmax": "softmax",
    "multiclass": "softmax",
    "poisson": "exp",
    "gamma": "exp",
    "tweedie": "exp",
    "cox": "exp",
    "aft": "exp",
    "squarederror": "identity",
    "squaredlogerror": "identity",
    "absoluteerror": "identity",
    "pseudohubererror": "identity",
    "quantileerror": "identity",
    "regression": "identity",
    "regression_l1": "identity",
    "huber": "identity",
    "fair": "identity",
    "quantile": "identity",
    "mape": "identity",
    "pairwise": "identity",
    "ndcg": "identity",
    "map": "identity",
    "lambdarank": "identity",
    "rank_xendcg": "identity",
}


def of_xgboost(model: Any) -> Ensemble:
    """Return the trees of a fitted XGBoost model, up to its best iteration.

    Raises:
        UnsupportedError: it has no trees, splits by category, or several numbers in a leaf.
    """
    if model.missing is not None and not np.isnan(model.missing):
        raise UnsupportedError(
            f"it takes {model.missing} as missing: replace it by NaN, and fit without `missing`"
        )
    learner = json.loads(_best_booster(model).save_raw("json"))["learner"]
    booster = learner["gradient_booster"]
    weights = booster.get("weight_drop")
    booster = booster.get("gbtree", booster)
    if "model" not in booster or "trees" not in booster["model"]:
        raise UnsupportedError(
            "a gblinear booster has no trees: fit a linear model of scikit-learn instead"
        )
    stored = booster["model"]
    link = _link(learner["objective"]["name"].rpartition(":")[2])
    weights = weights or [1.0] * len(stored["trees"])
    trees = tuple(
        _xgboost_tree(tree, score, weight)
        for tree, score, weight in zip(stored["trees"], stored["tree_info"], weights, strict=True)
    )
    base = np.array(json.loads(f"[{learner['learner_model_param']['base_score'].strip('[]')}]"))
    count = max((score for tree in trees for score in tree.scores), default=0) + 1
    raw = np.broadcast_to(_raw(base, link), count)
    return Ensemble(trees, raw, link, is_strict=True, is_double=False)


def _raw(answer: np.ndarray, link: str) -> np.ndarray:
    """Return the raw scores of an answer, the inverse of its link."""
    if link == "sigmoid":
        return np.log(answer / (1 - answer))
    return np.log(answer) if link == "exp" else answer


def _best_booster(model: Any) -> Any:
    booster = model.get_booster()
    best = booster.attr("best_iteration")
    return booster if best is None else booster[: int(best) + 1]


def _xgboost_tree(tree: dict, score: int, weight: float) -> Tree:
    if tree.get("categories_nodes"):
        raise UnsupportedError(
            "XGBoost's splits by category have no ONNX form: encode text with OneHotEncoder, and "
            "fit again without enable_categorical"
        )
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise UnsupportedError(
            "leaves with several numbers have no ONNX form: fit with "
            "multi_strategy='one_output_per_tree'"
        )
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.array(tree["split_indices"]),
        threshold=conditions,
        left=np.array(tree["left_children"]),
        right=np.array(tree["right_children"]),
        missing_left=np.array(tree["default_left"], dtype=bool),
        value=conditions[:, None] * weight,
        scores=(score,),
    )


def of_lightgbm(model: Any) -> Ensemble:
    """Return the trees of a fitted LightGBM model, up to its best iteration.

    Raises:
        UnsupportedError: it splits by category, treats zeros as missing, or has linear trees.
    """
    dump = model.booster_.dump_model(num_iteration=getattr(model, "best_iteration_", None) or -1)
    objective, *settings = dump.get("objective", "regression").split(" ")
    link = _link(objective)
    factors = dict(setting.split(":") for setting in settings if ":" in setting)
    if "sqrt" in settings:
        raise UnsupportedError("reg_sqrt has no ONNX form: fit without it on square roots")
    count = dump["num_tree_per_iteration"]
    scale = float(factors.get("sigmoid", 1)) if link == "sigmoid" else 1.0
    if dump["average_output"]:
        scale /= max(len(dump["tree_info"]) // count, 1)
    trees = tuple(
        _lightgbm_tree(tree["tree_structure"], place % count, scale)
        for place, tree in enumerate(dump["tree_info"])
    )
    return Ensemble(trees, np.zeros(count), link, is_strict=False, is_double=True)


def _lightgbm_tree(root: dict, score: int, scale: float) -> Tree:
    nodes = list(_lightgbm_nodes(root))
    places = {id(node): place for place, node in enumerate(nodes)}
    is_leaf = ["leaf_value" in node for node in nodes]

    def child(node: dict, side: str) -> int:
        return places[id(node[side])] if side in node else -1

    return Tree(
        feature=np.array([node.get("split_feature", 0) for node in nodes]),
        threshold=np.array([node.get("threshold", 0.0) for node in nodes], dtype=np.float64),
        left=np.array([child(node, "left_child") for node in nodes]),
        right=np.array([child(node, "right_child") for node in nodes]),
        missing_left=np.array([_missing_left(node) for node in nodes]),
        value=np.array(
            [
                node["leaf_value"] * scale if leaf else 0.0
                for node, leaf in zip(nodes, is_leaf, strict=True)
            ]
        )[:, None],
        scores=(score,),
    )


def _lightgbm_nodes(root: dict) -> Iterator[dict]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.get("decision_type", "<=") != "<=":
            raise UnsupportedError(
                "LightGBM's splits by category have no ONNX form: encode text with OneHotEncoder, "
                "and fit again without categorical features"
            )
        if node.get("missing_type") == "Zero":
            raise UnsupportedError("zero_as_missing has no ONNX form: fit without it")
        if "leaf_coeff" in node:
            raise UnsupportedError("linear trees have no ONNX form: fit without linear_tree")
        yield node
        waiting += [node[side] for side in ("left_child", "right_child") if side in node]


def _missing_left(node: dict) -> bool:
    """Return where a missing value goes; LightGBM reads it as 0 if it has seen none in training."""
    if node.get("missing_type") == "None":
        return node["threshold"] >= 0
    return bool(node.get("default_left"))


def of_catboost(model: Any) -> Ensemble:
    """Return the trees of a fitted CatBoost model.

    Raises:
        UnsupportedError: CatBoost cannot write it as ONNX, as with categorical features.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        try:
            model.save_model(str(path), format="onnx")
        except Exception as error:  # CatBoost has one error class for everything
            raise UnsupportedError(
                f"CatBoost cannot write it as ONNX ({error}): fit it with symmetric trees on "
                "numbers, and encode text with OneHotEncoder"
            ) from error
        graph = onnx.load(str(path)).graph
    (node,) = [node for node in graph.node if node.op_type.startswith("TreeEnsemble")]
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    what = "class" if "class_ids" in values else "target"
    count = max(values[f"{what}_ids"]) + 1
    links = {b"NONE": "identity", b"LOGISTIC": "sigmoid", b"SOFTMAX": "softmax"}
    link = links[values.get("post_transform", b"NONE")]
    base = np.zeros(count)
    base[:] = values.get("base_values") or 0
    trees = tuple(_catboost_trees(values, what, count))
    return Ensemble(trees, base, link, is_strict=False, is_double=False)


def _catboost_trees(values: dict, what: str, count: int) -> Iterator[Tree]:
    """Yield the trees; a value above the threshold goes to the second child, as in BRANCH_GT."""
    tree_of = np.array(values["nodes_treeids"])
    leaf_of = np.array(values[f"{what}_treeids"])
    modes = np.array(values["nodes_modes"])
    for number in np.unique(tree_of):
        nodes, leaves = np.flatnonzero(tree_of == number), np.flatnonzero(leaf_of == number)
        own = {name: np.array(values[f"nodes_{name}"])[nodes] for name in _CATBOOST_FIELDS}
        is_leaf = modes[nodes] == b"LEAF"
        value = np.zeros((len(nodes), count))
        places = np.array(values[f"{what}_nodeids"])[leaves]
        value[places, np.array(values[f"{what}_ids"])[leaves]] = np.array(
            values[f"{what}_weights"]
        )[leaves]
        yield Tree(
            feature=own["featureids"],
            threshold=own["values"].astype(np.float32),
            left=np.where(is_leaf, -1, own["falsenodeids"]),
            right=np.where(is_leaf, -1, own["truenodeids"]),
            missing_left=own["missing_value_tracks_true"] == 0,
            value=value,
            scores=tuple(range(count)),
        )


_CATBOOST_FIELDS = (
    "featureids",
    "values",
    "falsenodeids",
    "truenodeids",
    "missing_value_tracks_true",
)


def of_hist_gradient_boosting(model: Any) -> Ensemble:
    """Return the trees of a fitted HistGradientBoostingClassifier or -Regressor.

    Raises:
        UnsupportedError: it splits by category, or its loss has a link that ONNX does not have.
    """
    links = {
        "IdentityLink": "identity",
        "LogLink": "exp",
        "LogitLink": "sigmoid",
        "MultinomialLogit": "softmax",
    }
    link = links[type(model._loss.link).__name__]
    trees = tuple(
        _hist_tree(predictor.nodes, score)
        for iteration in model._predictors
        for score, predictor in enumerate(iteration)
    )
    base = np.ravel(model._baseline_prediction)
    return Ensemble(trees, base, link, is_strict=False, is_double=True)


def _hist_tree(nodes: np.ndarray, score: int) -> Tree:
    if nodes["is_categorical"].any():
        raise UnsupportedError(
            "splits by category have no ONNX form: encode text with OneHotEncoder, and fit again "
            "without categorical_features"
        )
    is_leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        left=np.where(is_leaf, -1, nodes["left"].astype(int)),
        right=np.where(is_leaf, -1, nodes["right"].astype(int)),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        value=nodes["value"][:, None],
        scores=(score,),
    )


def of_forest(model: Any) -> Ensemble:
    """Return the trees of a fitted decision tree, random forest or forest of extra trees.

    Raises:
        UnsupportedError: a classifier predicts several labels at once.
    """
    trees = [tree.tree_ for tree in getattr(model, "estimators_", [model])]
    if trees[0].n_outputs > 1 and trees[0].max_n_classes > 1:
        raise UnsupportedError(
            "trees with several labels have no ONNX form: fit MultiOutputClassifier instead"
        )
    found = tuple(_forest_tree(tree, len(trees)) for tree in trees)
    base = np.zeros(len(found[0].scores))
    return Ensemble(found, base, "identity", is_strict=False, is_double=False)


def _forest_tree(tree: Any, count: int) -> Tree:
    value = tree.value.reshape(tree.node_count, -1)
    if tree.max_n_classes > 1:  # numbers of rows, or shares
        value = value / value.sum(axis=1, keepdims=True)
    return Tree(
        feature=tree.feature,
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        missing_left=tree.missing_go_to_left.astype(bool),
        value=value / count,
        scores=tuple(range(value.shape[1])),
    )


def _link(objective: str) -> str:
    if objective not in LINKS:
        known = ", ".join(sorted(LINKS))
        raise UnsupportedError(
            f"the objective {objective!r} has no ONNX form here: fit with one of {known}"
        )
    return LINKS[objective]
