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
import onnx

from udfs.graphs import MISSING_KEY

Scorer = Callable[[np.ndarray], np.ndarray]

# onnxruntime and oneDAL round differently after the sum of the trees.
TOLERANCE = 4e-7
# Rows that both have to answer alike, with values at and beside the thresholds of the trees.
PROBES = 2_048
# Building larger forests would take more than a second.
MOST_NODES = 300_000
ENSEMBLES = {"TreeEnsembleRegressor", "TreeEnsembleClassifier"}
# Nodes beside the ensemble that change no score.
HARMLESS = {"Cast", "Identity", "Normalizer"}
log = logging.getLogger("udfs")
LEFT_IF_BELOW, LEFT_IF_UP_TO, LEAF = b"BRANCH_LT", b"BRANCH_LEQ", b"LEAF"


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
    onedal = None if is_off or b"TreeEnsemble" not in content else _onedal()
    if onedal is None:
        return None
    model = onnx.load_model_from_string(content)
    graph = model.graph
    is_float = graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    if not is_float or any(one.key == MISSING_KEY for one in model.metadata_props):
        return None  # oneDAL takes float32, and none that is missing
    ensembles = [node for node in graph.node if node.op_type in ENSEMBLES]
    if len(ensembles) != 1 or not {node.op_type for node in graph.node} <= ENSEMBLES | HARMLESS:
        return None
    values = {one.name: onnx.helper.get_attribute_value(one) for one in ensembles[0].attribute}
    width = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    try:
        found = _built(onedal, values, width)
        return found if found and _agree(found, expected, values, width) else None
    except Exception as error:  # whatever oneDAL refuses, onnxruntime evaluates
        log.info("oneDAL does not evaluate a model, so onnxruntime does: %s", error)
        return None


def _built(onedal: ModuleType, values: Mapping[str, Any], width: int) -> Scorer | None:
    kind = "class" if "class_ids" in values else "target"
    answer = _answer(values, kind)
    modes = {*values["nodes_modes"]}
    is_sum = values.get("aggregate_function", b"SUM") == b"SUM"
    if answer is None or not is_sum or not modes <= {LEFT_IF_BELOW, LEFT_IF_UP_TO, LEAF}:
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
    if len(values["nodes_modes"]) > MOST_NODES or any(
        output_of[tree] != output for tree, _, output, _ in leaves
    ):
        return None  # a tree that adds to several scores would be walked once for each
    weights = {(tree, node): weight for tree, node, _, weight in leaves}
    outputs = 1 + max(output_of.values())
    trees = [[one for one in output_of if output_of[one] == output] for output in range(outputs)]
    models = [_model(onedal, values, of_output, weights, width) for of_output in trees]
    base = np.array(values.get("base_values") or [0] * outputs, dtype=np.float32)

    def scores(features: np.ndarray) -> np.ndarray:
        # oneDAL's objects keep their last result, so each call has its own.
        found = [onedal.gbt_regression_prediction(fptype="float") for _ in models]
        raw = [
            one.compute(features, model).prediction[:, 0]
            for one, model in zip(found, models, strict=True)
        ]
        with np.errstate(over="ignore"):  # the probability is then 0 or 1
            return answer(np.column_stack(raw) + base)

    return scores


def _answer(values: Mapping[str, Any], kind: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the function from raw scores to scores; None if it is another one."""
    labels = values.get("classlabels_int64s") or values.get("classlabels_strings") or ()
    is_binary = len(labels) == 2 and max(values[f"{kind}_ids"]) == 0
    found = {
        (b"NONE", False): lambda raw: raw,
        (b"NONE", True): lambda raw: np.hstack([1 - raw, raw]),
        (b"LOGISTIC", True): lambda raw: np.hstack([1 / (1 + np.exp(raw)), 1 / (1 + np.exp(-raw))]),
        (b"SOFTMAX", False): _softmax,
    }
    return found.get((values.get("post_transform", b"NONE"), is_binary))


def _softmax(raw: np.ndarray) -> np.ndarray:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _model(
    onedal: ModuleType,
    values: Mapping[str, Any],
    trees: list[int],
    weights: Mapping[tuple[int, int], float],
    width: int,
) -> Any:
    """Return oneDAL's model of the sum of some trees."""
    place = {
        key: place
        for place, key in enumerate(
            zip(values["nodes_treeids"], values["nodes_nodeids"], strict=True)
        )
    }
    sizes = np.bincount(values["nodes_treeids"])
    builder = onedal.gbt_reg_model_builder(n_features=width, n_iterations=len(trees))
    for tree in trees:
        handle = builder.create_tree(int(sizes[tree]))
        waiting: list[tuple[int, dict]] = [(0, {})]
        while waiting:
            node, below = waiting.pop()
            index = place[tree, node]
            mode = values["nodes_modes"][index]
            if mode == LEAF:
                weight = weights.get((tree, node), 0.0)
                builder.add_leaf(tree_id=handle, response=weight, cover=0.0, **below)
                continue
            parent = builder.add_split(
                tree_id=handle,
                feature_index=values["nodes_featureids"][index],
                feature_value=_largest_left(values["nodes_values"][index], mode),
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


def _largest_left(threshold: float, mode: bytes) -> float:
    """Return the largest float32 that goes to the left: oneDAL compares with <= only."""
    value = np.float32(threshold)
    return float(np.nextafter(value, np.float32(-np.inf)) if mode == LEFT_IF_BELOW else value)


def _agree(found: Scorer, expected: Scorer, values: Mapping[str, Any], width: int) -> bool:
    probes = np.column_stack(list(_probes(values, width)))
    right = expected(probes)
    mine = found(probes)
    if mine.shape != right.shape or not np.isfinite(right).all():
        return False
    return bool((np.abs(mine - right) <= TOLERANCE * np.maximum(1, np.abs(right))).all())


def _probes(values: Mapping[str, Any], width: int) -> Iterator[np.ndarray]:
    """Yield PROBES values of each feature: its thresholds and the numbers beside them."""
    rng = np.random.default_rng(0)
    features, modes = np.array(values["nodes_featureids"]), np.array(values["nodes_modes"])
    thresholds = np.array(values["nodes_values"], dtype=np.float32)
    for feature in range(width):
        own = np.unique(thresholds[(features == feature) & (modes != LEAF)])
        own = np.append(own, np.float32(0.5))
        beside = [np.nextafter(own, np.float32(side)) for side in (-np.inf, np.inf)]
        yield rng.choice(np.concatenate([own, *beside]), PROBES)
