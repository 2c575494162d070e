"""Shapley values in Python, as int_explanation_plans and onnx_explain compute them in DuckDB."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Background:
    """The background songs that the predictions of a task are explained against.

    Attributes:
        terms: `average`, then the n arguments of the task's functions.
        places: the position of each input's argument, from 1. The last position stands for all
            members of a one-hot group.
        songs: encoded inputs, lists of k numbers.
        most: largest number of arguments for which all coalitions are computed.
    """

    terms: list[str]
    places: list[int]
    songs: list[list[float]]
    most: int

    @cached_property
    def plan(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The songs to mix in (m, k), which inputs stay the explained song's (m, k), weights."""
        songs = np.array(self.songs, dtype=np.float64)
        count = len(self.terms) - 1
        if count <= self.most:
            mixes = [_coalitions(count)] * len(songs)
        else:
            mixes = [_walks(place, count) for place in range(1, len(songs) + 1)]
        own, weights = (np.concatenate(parts) for parts in zip(*mixes, strict=True))
        backgrounds = np.repeat(songs, len(own) // len(songs), axis=0)
        inputs = [min(place, len(self.places) - 1) for place in range(songs.shape[1])]
        is_own = own[:, [self.places[place] - 1 for place in inputs]]
        return backgrounds, is_own, weights / len(songs)

    def mixed(self, song: list[float]) -> np.ndarray:
        """Return the mixed songs, (m, k)."""
        backgrounds, is_own, _ = self.plan
        return np.where(is_own, np.array(song, dtype=np.float64), backgrounds)

    def explanation(self, scores: np.ndarray) -> list[dict]:
        """Return the terms, the average first and then the largest, for scores (m,)."""
        average, *contributions = (scores @ self.plan[2]).tolist()
        terms = list(zip(self.terms[1:], contributions, strict=True))
        terms.sort(key=lambda term: (-abs(term[1]), term[0]))
        ranked = [(self.terms[0], average), *terms]
        return [
            {"rank": rank, "feature": feature, "contribution": contribution}
            for rank, (feature, contribution) in enumerate(ranked)
        ]


def _coalitions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all coalitions, and the weight of each coalition's score in each term."""
    own = np.array([[n >> i & 1 for i in range(count)] for n in range(2**count)], dtype=bool)
    sizes = own.sum(axis=1)[:, None]
    share = np.array([1 / (count * math.comb(count - 1, size)) for size in range(count)] + [0])
    weights = np.where(own, share[sizes - 1], -share[np.minimum(sizes, count)])
    return own, np.hstack([sizes == 0, weights])


def _walks(place: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a walk from a background song to the explained one, and the walk in reverse order."""
    order = np.argsort([hashlib.md5(f"{place} {i}".encode()).hexdigest() for i in range(count)])
    ranks = np.array([order + 1, count - order])[:, None, :]
    steps = np.arange(count + 1)[None, :, None]
    own = ranks <= steps
    weights = (ranks == steps).astype(float) - (ranks == steps + 1)
    starts = np.broadcast_to(steps == 0, (2, count + 1, 1))
    terms = np.concatenate([starts, weights], axis=2) / 2
    return own.reshape(-1, count), terms.reshape(-1, count + 1)
