"""The generator's rules for playlists: the next track depends on the last one and on a mood.

A playlist has a direction and an era. Its mood changes according to the direction. The next track
is the next of the album, another of the same artist, one that editors like to play after the last
track, or one of the pool of the mood and era. If the track was played already, another is drawn.
All variables are discrete, so the probability of each next track has a closed form.
"""

import numpy as np
from numpy.typing import NDArray

from hitparade.sample.catalog import MOODS, Catalog

DIRECTIONS = ("wind down", "steady", "build up")
DIRECTION_SHARES = np.array([0.60, 0.25, 0.15])
ERA_SHARES = np.array([0.15, 0.20, 0.25, 0.40])
# Moods go from calm to energetic. Probabilities of the first mood, by direction ...
STARTS = np.array([[0, 0, 0.1, 0.3, 0.6], [0.2] * 5, [0.6, 0.3, 0.1, 0, 0]])
# ... and of a step down or up before each track.
DOWN, UP = np.array([0.06, 0.03, 0.005]), np.array([0.005, 0.03, 0.06])
ALBUM, ARTIST, EDITORS = 0.22, 0.15, 0.18
SUCCESSOR_SHARES = np.array([0.6, 0.25, 0.15])
STRAY = 0.1  # share of the pool's draws that ignore the era


def _steps() -> NDArray[np.float64]:
    """Return the transition probabilities of moods, shape (direction, mood, mood)."""
    steps = np.zeros((len(DIRECTIONS), MOODS, MOODS))
    for mood in range(MOODS):
        steps[:, mood, max(mood - 1, 0)] += DOWN
        steps[:, mood, min(mood + 1, MOODS - 1)] += UP
        steps[:, mood, mood] += 1 - DOWN - UP
    return steps


STEPS = _steps()


def shares(catalog: Catalog, last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probabilities of album, artist, editors and pool after each last track (n, 4).

    If the album has no next track, or the artist no other, their share goes to the pool.
    """
    album = ALBUM * (catalog.album_next[last] >= 0)
    artist = ARTIST * (others_of_artist(catalog, last) > 0)
    editors = np.full(len(last), EDITORS)
    return np.stack([album, artist, editors, 1 - album - artist - editors], axis=1)


def others_of_artist(catalog: Catalog, last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the total weight of the other tracks by the artist of each last track."""
    counts = np.bincount(catalog.artist)
    others = catalog.by_artist.sums[catalog.artist[last]] - catalog.weight[last]
    return np.where(counts[catalog.artist[last]] > 1, others, 0.0)
