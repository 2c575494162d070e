"""The planted world of playlists: what comes next, given the last track and a mood that drifts.

A playlist has a direction and an era, and a mood that moves as its direction says. The next track
is the next of the album, another of the artist, one that editors like to play after the last, or
one of the pool of mood and era; a track that was played already is drawn again. All of it is
discrete, so the chance of each track after any beginning has a closed form.
"""

import numpy as np
from numpy.typing import NDArray

from hitparade.sample.catalog import MOODS, Catalog

DIRECTIONS = ("wind down", "steady", "build up")
DIRECTION_SHARES = np.array([0.60, 0.25, 0.15])
ERA_SHARES = np.array([0.15, 0.20, 0.25, 0.40])
# Moods go from calm to energetic: where a playlist of each direction begins ...
STARTS = np.array([[0, 0, 0.1, 0.3, 0.6], [0.2] * 5, [0.6, 0.3, 0.1, 0, 0]])
# ... and how often it goes a step down or up before a track.
DOWN, UP = np.array([0.06, 0.03, 0.005]), np.array([0.005, 0.03, 0.06])
ALBUM, ARTIST, EDITORS = 0.22, 0.15, 0.18
SUCCESSOR_SHARES = np.array([0.6, 0.25, 0.15])
STRAY = 0.1  # share of the pool's draws that take any era


def _steps() -> NDArray[np.float64]:
    """Chances from mood to mood by direction, shape (direction, mood, mood)."""
    steps = np.zeros((len(DIRECTIONS), MOODS, MOODS))
    for mood in range(MOODS):
        steps[:, mood, max(mood - 1, 0)] += DOWN
        steps[:, mood, min(mood + 1, MOODS - 1)] += UP
        steps[:, mood, mood] += 1 - DOWN - UP
    return steps


STEPS = _steps()


def shares(catalog: Catalog, last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the chances of album, artist, editors and pool after each last track, shape (n, 4).

    Where the album has no next track, or the artist no other, the pool takes their share.
    """
    album = ALBUM * (catalog.album_next[last] >= 0)
    artist = ARTIST * (others_of_artist(catalog, last) > 0)
    editors = np.full(len(last), EDITORS)
    return np.stack([album, artist, editors, 1 - album - artist - editors], axis=1)


def others_of_artist(catalog: Catalog, last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of the other tracks of each last track's artist."""
    counts = np.bincount(catalog.artist)
    others = catalog.by_artist.sums[catalog.artist[last]] - catalog.weight[last]
    return np.where(counts[catalog.artist[last]] > 1, others, 0.0)
