"""The generator's rules for playlists: the next track depends on the last one and on a mood.

A playlist has a kind, a direction and an era. Its mood changes according to the direction. Now and
then the next track is a rare one. Else it is the next of the album, another of the same artist, one
that editors like to play after the last track, or one of the pool of the mood and era; the kind
decides how often. If the track was played already, another is drawn in the same way. The title
hints at some of the hidden variables. All variables are discrete, so the probability of each next
track has a closed form.
"""

import numpy as np
from numpy.typing import NDArray

from hitparade.sample.catalog import MOODS, Catalog

KINDS = ("mixed", "around artists", "around albums")
MIXED, AROUND_ARTISTS, AROUND_ALBUMS = range(3)
KIND_SHARES = np.array([0.80, 0.12, 0.08])
RARE = 0.022  # share of rare tracks after the first track
# Shares of album, artist and editors among the others, by kind; the rest is the pool's.
SOURCES = np.array([[0.22, 0.15, 0.18], [0.12, 0.60, 0.10], [0.75, 0.08, 0.05]])
SUCCESSOR_SHARES = np.array([0.6, 0.25, 0.15])
STRAY = 0.1  # share of the pool's draws that ignore the era
DIRECTIONS = ("wind down", "steady", "build up")
DIRECTION_SHARES = np.array([0.60, 0.25, 0.15])
ERA_SHARES = np.array([0.15, 0.20, 0.25, 0.40])
# Moods go from calm to energetic. Probabilities of the first mood, by direction ...
STARTS = np.array([[0, 0, 0.1, 0.3, 0.6], [0.2] * 5, [0.6, 0.3, 0.1, 0, 0]])
# ... and of a step down or up before each track.
DOWN, UP = np.array([0.06, 0.03, 0.005]), np.array([0.005, 0.03, 0.06])


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
    """Return the probabilities of album, artist, editors and pool, shape (n, KINDS, 4).

    If the album has no next track, or the artist no other, their share goes to the pool.

    Args:
        catalog: the tracks.
        last: the last track of each playlist (n).
    """
    has_next, has_other = catalog.album_next[last] >= 0, catalog.by_artist.others(last) > 0
    is_possible = np.stack([has_next, has_other, np.ones(len(last))], axis=1)
    found = SOURCES * is_possible[:, None]
    return np.concatenate([found, 1 - found.sum(axis=2, keepdims=True)], axis=2)
