"""Item-to-item tables: which tracks occur near each other in playlists.

SQL counts (`feat_next_song_edges`) how often a track comes directly after another (a Markov chain);
how often it comes later, weighted by 1 / distance (sequential rules, Ludewig and Jannach 2018); and
how often two tracks occur within a window, in either order (item to item).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

# The number of neighbors that `feat_next_song_edges` has of a track.
NEIGHBORS = 64
# The largest number of float16.
LARGEST = 65_504.0


@dataclass(frozen=True)
class Edges:
    """The m edges from tracks to other tracks.

    Attributes:
        track: index of the first track, shape (m,).
        neighbor: index of the other track, shape (m,).
        weights: columns following, near and together, see the module; shape (m, 3).
        strength: by which the strongest edges are chosen, shape (m,).
    """

    track: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    weights: NDArray[np.float32]
    strength: NDArray[np.float64]


@dataclass(frozen=True)
class Neighbors:
    """The k strongest neighbors of each of n tracks; row n stands for no track and has none.

    Attributes:
        tracks: indices of the neighbors, shape (n + 1, k), padded with n.
        weights: c weights of each neighbor, shape (n + 1, k, c).
    """

    tracks: NDArray[np.int32]
    weights: NDArray[np.float32]

    def without(self, is_new: NDArray[np.bool_]) -> "Neighbors":
        """Return the neighbors as if the tracks `is_new` (n,) had never been played."""
        is_new = np.append(is_new, False)
        is_cut = is_new[:, None] | is_new[self.tracks]
        return Neighbors(self.tracks, np.where(is_cut[..., None], 0, self.weights))


def strongest(
    edges: Edges, tracks: int, strength: NDArray, weights: NDArray, k: int = NEIGHBORS
) -> Neighbors:
    """Return the k strongest neighbors of each track; ties in the order of their indices.

    Args:
        edges: m edges.
        tracks: number of tracks.
        strength: by which edges are chosen, shape (m,); edges without positive strength are left
            out.
        weights: the weights to return, shape (m, c).
        k: number of neighbors.
    """
    kept = np.flatnonzero(strength > 0)
    order = kept[np.lexsort((edges.neighbor[kept], -strength[kept], edges.track[kept]))]
    rows = edges.track[order]
    # The rank of each edge among those of its track, from 0.
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    ranks = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    is_strongest = ranks < k
    order, rows, ranks = order[is_strongest], rows[is_strongest], ranks[is_strongest]
    found = np.full((tracks + 1, k), tracks, dtype=np.int32)
    values = np.zeros((tracks + 1, k, weights.shape[1]), dtype=np.float32)
    found[rows, ranks] = edges.neighbor[order]
    values[rows, ranks] = weights[order]
    return Neighbors(found, values)


def half(weights: NDArray[np.float32]) -> torch.Tensor:
    """Return weights as float16; larger ones than it can hold become the largest it can hold."""
    return torch.from_numpy(weights).clamp(max=LARGEST).half()
