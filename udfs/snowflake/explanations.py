"""The plans of explanations in Python, as explanation_plans has them in DuckDB."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from udfs.runtime.plans import Plan


@dataclass(frozen=True)
class Background:
    """The background rows that the predictions of a task are explained against.

    Attributes:
        terms: `average`, then the n arguments of the task's functions.
        places: the position of each input's argument, from 1. The last position stands for all
            members of a one-hot group.
        songs: encoded inputs, lists of k numbers.
        most: largest number of arguments for which all coalitions are computed.
        inputs: the names of the k inputs. Only models with these inputs can be explained.
    """

    terms: list[str]
    places: list[int]
    songs: list[list[float]]
    most: int
    inputs: list[str]

    @cached_property
    def plan(self) -> Plan:
        """The mixed songs and their weights."""
        songs = np.array(self.songs, dtype=np.float64)
        count = len(self.terms) - 1
        if count <= self.most:
            mixes = [_coalitions(count)] * len(songs)
        else:
            mixes = [_permutations(place, count) for place in range(1, len(songs) + 1)]
        own, weights = (np.concatenate(parts) for parts in zip(*mixes, strict=True))
        backgrounds = np.repeat(songs, len(own) // len(songs), axis=0)
        inputs = [min(place, len(self.places) - 1) for place in range(songs.shape[1])]
        is_own = own[:, [self.places[place] - 1 for place in inputs]]
        return Plan(self.terms, backgrounds, is_own, weights / len(songs))


def _coalitions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all coalitions, and the weight of each coalition's score in each term."""
    own = np.array([[n >> i & 1 for i in range(count)] for n in range(2**count)], dtype=bool)
    sizes = own.sum(axis=1)[:, None]
    share = np.array([1 / (count * math.comb(count - 1, size)) for size in range(count)] + [0])
    weights = np.where(own, share[sizes - 1], -share[np.minimum(sizes, count)])
    return own, np.hstack([sizes == 0, weights])


def _permutations(place: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the way from a background song to the explained one, in an order and its reverse."""
    order = np.argsort([hashlib.md5(f"{place} {i}".encode()).hexdigest() for i in range(count)])
    ranks = np.array([order + 1, count - order])[:, None, :]
    steps = np.arange(count + 1)[None, :, None]
    own = ranks <= steps
    weights = (ranks == steps).astype(float) - (ranks == steps + 1)
    starts = np.broadcast_to(steps == 0, (2, count + 1, 1))
    terms = np.concatenate([starts, weights], axis=2) / 2
    return own.reshape(-1, count), terms.reshape(-1, count + 1)
