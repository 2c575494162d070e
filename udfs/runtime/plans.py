"""Plans of explanations.

A plan lists mixed songs: each has some inputs of the explained song, and the others of a background
song. A weighted sum of their scores is an argument's contribution (Shapley, 1953; Castro et al.,
2009; Mitchell et al., 2022). The plan of a task is the same for all its songs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Plan:
    """The mixed songs of a task, and the weights of their scores.

    Attributes:
        terms: `average`, then the arguments of the task's functions.
        backgrounds: the encoded background song of each mixed song (m, k).
        is_own: which inputs a mixed song has from the explained song (m, k).
        weights: the weight of each mixed song's score in each term (m, terms).
    """

    terms: list[str]
    backgrounds: np.ndarray
    is_own: np.ndarray
    weights: np.ndarray

    @cached_property
    def merged(self) -> "Plan":
        """The same plan without mixed songs that are equal for every explained song."""
        others = np.where(self.is_own, 0, self.backgrounds)
        _, first, number = np.unique(
            np.hstack([self.is_own, others]), axis=0, return_index=True, return_inverse=True
        )
        # In the order of the plan neighbors are alike, and a model scores them faster.
        kept = np.sort(first)
        weights = np.zeros((len(kept), len(self.terms)))
        np.add.at(weights, np.searchsorted(kept, first)[number], self.weights)
        return Plan(self.terms, self.backgrounds[kept], self.is_own[kept], weights)

    @cached_property
    def name_order(self) -> np.ndarray:
        """The place of each argument in the order of their names."""
        return np.argsort(np.argsort(self.terms[1:]))
