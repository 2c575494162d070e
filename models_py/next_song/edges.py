"""Which tracks stand near each other in playlists, as tables that a graph can hold.

The counts come from SQL (`feat_next_song_edges`): how often a track comes right after another (a
Markov chain), how much comes later, weighted by 1 / distance (sequential rules, Ludewig and Jannach
2018), and how often two stand within the window, in either order (item to item).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# As many as `feat_next_song_edges` has of a track.
NEIGHBOURS = 64


@dataclass(frozen=True)
class Edges:
    """What leads from tracks to others, edge by edge (m).

    Attributes:
        track: index of the track before (m).
        neighbour: index of the other (m).
        weights: following, near and together (m, 3).
        strength: what the strongest are chosen by (m).
    """

    track: NDArray[np.int64]
    neighbour: NDArray[np.int64]
    weights: NDArray[np.float32]
    strength: NDArray[np.float64]


@dataclass(frozen=True)
class Neighbours:
    """For each track (n) its k strongest neighbours; row n, of no track, has none.

    Attributes:
        tracks: indices (n + 1, k); n where there are fewer.
        weights: (n + 1, k, c) of each neighbour.
    """

    tracks: NDArray[np.int32]
    weights: NDArray[np.float32]

    def without(self, is_new: NDArray[np.bool_]) -> "Neighbours":
        """Return them as if some tracks (n) had never been played."""
        is_new = np.append(is_new, False)
        is_cut = is_new[:, None] | is_new[self.tracks]
        return Neighbours(self.tracks, np.where(is_cut[..., None], 0, self.weights))


def strongest(
    edges: Edges, tracks: int, strength: NDArray, weights: NDArray, k: int = NEIGHBOURS
) -> Neighbours:
    """Return the k neighbours of each track with the largest positive strength (m).

    `weights` (m, c) are what is kept of each; of equal strength the lower index comes first.
    """
    kept = np.flatnonzero(strength > 0)
    order = kept[np.lexsort((edges.neighbour[kept], -strength[kept], edges.track[kept]))]
    rows = edges.track[order]
    # The place of each edge among those of its track.
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    places = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    among = places < k
    order, rows, places = order[among], rows[among], places[among]
    found = np.full((tracks + 1, k), tracks, dtype=np.int32)
    values = np.zeros((tracks + 1, k, weights.shape[1]), dtype=np.float32)
    found[rows, places] = edges.neighbour[order]
    values[rows, places] = weights[order]
    return Neighbours(found, values)
