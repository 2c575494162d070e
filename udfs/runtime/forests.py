"""Tree ensembles of ONNX graphs, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import onnx

from udfs.graphs import MISSING_KEY

ENSEMBLES = {"TreeEnsembleRegressor", "TreeEnsembleClassifier"}
# Nodes beside the ensemble that change no score.
HARMLESS = {"Cast", "Identity", "Normalizer"}
LEFT_IF_BELOW, LEFT_IF_UP_TO, LEAF = b"BRANCH_LT", b"BRANCH_LEQ", b"LEAF"


@dataclass(frozen=True, eq=False)
class Forest:
    """The trees of a graph whose scores are a function of the sums of their leaves.

    Attributes:
        values: the attributes of the ensemble.
        width: the number of features.
    """

    values: Mapping[str, Any]
    width: int

    @property
    def kind(self) -> str:
        """The first word of the attributes of leaves."""
        return "class" if "class_ids" in self.values else "target"

    @property
    def outputs(self) -> int:
        """The number of sums."""
        return 1 + max(self.values[f"{self.kind}_ids"])

    @property
    def is_binary(self) -> bool:
        """Whether one sum gives the scores of two classes."""
        labels = self.values.get("classlabels_int64s") or self.values.get("classlabels_strings")
        return len(labels or ()) == 2 and self.outputs == 1

    @property
    def link(self) -> bytes:
        """The function from sums to scores."""
        return self.values.get("post_transform", b"NONE")

    @cached_property
    def base(self) -> np.ndarray:
        """What is added to each sum, shape (outputs,)."""
        return np.array(self.values.get("base_values") or [0] * self.outputs, dtype=np.float32)

    @cached_property
    def modes(self) -> np.ndarray:
        """How each node compares."""
        return np.array(self.values["nodes_modes"])

    @cached_property
    def largest_left(self) -> np.ndarray:
        """The largest float32 that each node sends to the left."""
        thresholds = np.array(self.values["nodes_values"], dtype=np.float32)
        below = np.nextafter(thresholds, np.float32(-np.inf))
        return np.where(self.modes == LEFT_IF_BELOW, below, thresholds)

    @cached_property
    def places(self) -> dict[tuple[int, int], int]:
        """The place of each node, by its tree and its number in the tree."""
        keys = zip(self.values["nodes_treeids"], self.values["nodes_nodeids"], strict=True)
        return {key: place for place, key in enumerate(keys)}

    def boxes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds of each node: a song comes to it if lows < features <= highs.

        Raises:
            ValueError: a node is below itself.
        """
        features = np.array(self.values["nodes_featureids"])
        left, right = self._children("true"), self._children("false")
        lows = np.full((len(self.modes), self.width), -np.inf, dtype=np.float32)
        highs = -lows
        level = np.flatnonzero(np.array(self.values["nodes_nodeids"]) == 0)
        seen = 0
        while len(level):
            nodes = level[self.modes[level] != LEAF]
            split, threshold = features[nodes], self.largest_left[nodes]
            for side in (left, right):
                lows[side[nodes]], highs[side[nodes]] = lows[nodes], highs[nodes]
            highs[left[nodes], split] = np.minimum(highs[nodes, split], threshold)
            lows[right[nodes], split] = np.maximum(lows[nodes, split], threshold)
            level = np.concatenate([left[nodes], right[nodes]])
            seen += len(level)
            if seen > len(self.modes):
                raise ValueError("a node of a tree is below itself")
        return lows, highs

    def _children(self, branch: str) -> np.ndarray:
        """Return the place of the child of each node on one side; 0 for leaves."""
        trees, children = self.values["nodes_treeids"], self.values[f"nodes_{branch}nodeids"]
        nodes = zip(trees, children, self.modes != LEAF, strict=True)
        found = [self.places[tree, child] if is_split else 0 for tree, child, is_split in nodes]
        return np.array(found)

    def weights(self, output: int) -> np.ndarray:
        """Return what each node adds to a sum."""
        values, kind, found = self.values, self.kind, np.zeros(len(self.modes))
        for tree, node, one, weight in zip(
            values[f"{kind}_treeids"],
            values[f"{kind}_nodeids"],
            values[f"{kind}_ids"],
            values[f"{kind}_weights"],
            strict=True,
        ):
            if one == output:
                found[self.places[tree, node]] += weight
        return found


def forest(content: bytes) -> Forest | None:
    """Return the trees of a graph; None if it is none, or may be given a missing feature."""
    if b"TreeEnsemble" not in content:
        return None
    model = onnx.load_model_from_string(content)
    graph = model.graph
    is_float = graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    if not is_float or any(one.key == MISSING_KEY for one in model.metadata_props):
        return None
    ensembles = [node for node in graph.node if node.op_type in ENSEMBLES]
    if len(ensembles) != 1 or not {node.op_type for node in graph.node} <= ENSEMBLES | HARMLESS:
        return None
    values = {one.name: onnx.helper.get_attribute_value(one) for one in ensembles[0].attribute}
    is_sum = values.get("aggregate_function", b"SUM") == b"SUM"
    if not is_sum or not {*values["nodes_modes"]} <= {LEFT_IF_BELOW, LEFT_IF_UP_TO, LEAF}:
        return None
    return Forest(values, graph.input[0].type.tensor_type.shape.dim[1].dim_value)
