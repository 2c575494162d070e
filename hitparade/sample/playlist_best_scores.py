"""Best achievable scores on the playlists, from the exact probability of each next track.

The tracks played so far give the probability of each direction, era and mood (forward filtering).
Given these, the probability of a next track has a closed form, see `playlist_generator`.
"""

import json
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hitparade.sample import playlist_generator as generator
from hitparade.sample.best_scores import BestScore
from hitparade.sample.catalog import ERAS, MOODS, Catalog
from models_py.next_song import protocol

# The definition of the task that the scores hold for, as the registry writes it.
DEFINITION = json.dumps({"folds": str(protocol.FOLDS)} | protocol.DEFINITION)


def chances(
    catalog: Catalog, playlists: Sequence[NDArray[np.int64]], cuts: Sequence[Sequence[int]]
) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """Yield (playlist, cut, chances) for each cut.

    The chances are each track's probability to come next after the first `cut` tracks.

    Args:
        catalog: the tracks.
        playlists: track indices of each playlist.
        cuts: for each playlist one or more numbers of known tracks, each at least 1.
    """
    lengths = [max(numbers, default=0) for numbers in cuts]
    order = np.argsort(lengths, kind="stable")[::-1]
    known = Known(catalog, len(order))
    for step in range(max(lengths, default=0)):
        going = sum(length > step for length in lengths)
        known.keep(going)
        known.play(np.array([playlists[place][step] for place in order[:going]]))
        asked = [row for row in range(going) if step + 1 in cuts[order[row]]]
        for row, found in zip(asked, known.next_chances(np.array(asked, dtype=int)), strict=True):
            yield int(order[row]), step + 1, found


class Known:
    """Beliefs about n playlists, updated by one track of each at a time."""

    def __init__(self, catalog: Catalog, count: int):
        """Begin with the beliefs about empty playlists."""
        self._catalog = catalog
        start = generator.DIRECTION_SHARES[:, None] * generator.STARTS
        # Probability of direction, mood and era at the next track, given all earlier tracks.
        self._belief = np.tile(start[:, :, None] * generator.ERA_SHARES, (count, 1, 1, 1))
        self._played = np.zeros((count, len(catalog)), dtype=bool)
        # The played share of each pool, and the played weight of each artist.
        self._cells = np.zeros((count, MOODS, ERAS))
        self._moods = np.zeros((count, MOODS))
        self._artists = np.zeros((count, len(catalog.artist_names)))
        self._last = np.zeros(count, dtype=int)
        self._begun = False
        self._cell_share = catalog.weight / catalog.by_cell.sums[catalog.cells]
        self._mood_share = catalog.weight / catalog.by_mood.sums[catalog.mood]

    def keep(self, count: int) -> None:
        """Keep only the first `count` playlists."""
        for name in ("_belief", "_played", "_cells", "_moods", "_artists", "_last"):
            setattr(self, name, getattr(self, name)[:count])

    def play(self, tracks: NDArray[np.int64]) -> None:
        """Update the beliefs with the next track of each playlist."""
        catalog, rows = self._catalog, np.arange(len(tracks))
        mood, era = catalog.mood[tracks], catalog.era[tracks]
        pool = np.zeros_like(self._cells)
        pool[rows, mood, :] += (generator.STRAY * self._mood_share[tracks])[:, None]
        pool[rows, mood, era] += (1 - generator.STRAY) * self._cell_share[tracks]
        likelihood = pool
        if self._begun:
            shares = generator.shares(catalog, self._last)
            fixed = (shares[:, :3] * self._follows(tracks)).sum(axis=1)
            likelihood = fixed[:, None, None] + shares[:, 3, None, None] * pool
        belief = self._belief * (likelihood / self._unplayed())[:, None]
        belief /= belief.sum(axis=(1, 2, 3), keepdims=True)
        self._belief = np.einsum("pdme,dmn->pdne", belief, generator.STEPS)
        self._played[rows, tracks] = True
        self._cells[rows, mood, era] += self._cell_share[tracks]
        self._moods[rows, mood] += self._mood_share[tracks]
        self._artists[rows, catalog.artist[tracks]] += catalog.weight[tracks]
        self._last, self._begun = tracks, True

    def _follows(self, tracks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability of these tracks by album, artist and editors, shape (n, 3)."""
        catalog, last = self._catalog, self._last
        others = np.maximum(generator.others_of_artist(catalog, last), 1e-300)
        is_other = (catalog.artist[last] == catalog.artist[tracks]) & (last != tracks)
        editors = (catalog.successors[last] == tracks[:, None]) @ generator.SUCCESSOR_SHARES
        return np.stack(
            [
                catalog.album_next[last] == tracks,
                is_other * catalog.weight[tracks] / others,
                editors,
            ],
            axis=1,
        )

    def _unplayed(self) -> NDArray[np.float64]:
        """Return the probability that a first draw is new, by mood and era (n, MOODS, ERAS)."""
        stray = generator.STRAY * self._moods[:, :, None]
        pool = (1 - generator.STRAY) * self._cells + stray
        if not self._begun:
            return 1 - pool
        catalog, last, rows = self._catalog, self._last, np.arange(len(self._last))
        shares = generator.shares(catalog, last)
        following = catalog.album_next[last]
        others = np.maximum(generator.others_of_artist(catalog, last), 1e-300)
        played = self._artists[rows, catalog.artist[last]] - catalog.weight[last]
        editors = self._played[rows[:, None], catalog.successors[last]] @ generator.SUCCESSOR_SHARES
        fixed = (
            shares[:, 0] * ((following >= 0) & self._played[rows, following])
            + shares[:, 1] * np.maximum(played, 0) / others
            + shares[:, 2] * editors
        )
        return 1 - fixed[:, None, None] - shares[:, 3, None, None] * pool

    def next_chances(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
        """Yield for each of these playlists every track's probability to come next."""
        catalog = self._catalog
        shares = generator.shares(catalog, self._last)
        weights = self._belief.sum(axis=1) / self._unplayed()
        for row in rows:
            last, weight = self._last[row], weights[row]
            by_cell = (1 - generator.STRAY) * weight.ravel()[catalog.cells] * self._cell_share
            by_mood = generator.STRAY * weight.sum(axis=1)[catalog.mood] * self._mood_share
            found = shares[row, 3] * (by_cell + by_mood)
            total = weight.sum()
            if (following := catalog.album_next[last]) >= 0:
                found[following] += shares[row, 0] * total
            if shares[row, 1]:
                others = np.flatnonzero(catalog.artist == catalog.artist[last])
                others = others[others != last]
                of_artist = catalog.weight[others] / catalog.weight[others].sum()
                found[others] += shares[row, 1] * total * of_artist
            editors = shares[row, 2] * total * generator.SUCCESSOR_SHARES
            np.add.at(found, catalog.successors[last], editors)
            found[self._played[row]] = 0
            yield found


def best_scores(catalog: Catalog, playlists: Sequence[NDArray[np.int64]]) -> list[BestScore]:
    """Return the best achievable value of each metric on the held-out playlists' questions.

    Args:
        catalog: the tracks.
        playlists: track indices of all playlists.
    """
    held_out = [
        tracks for tracks in playlists if protocol.fold(catalog.uri[tracks]) == protocol.HOLDOUT
    ]
    cuts: list[list[int]] = [[] for _ in held_out]
    for place, cut in protocol.questions(held_out):
        cuts[place].append(cut)
    ranks = np.array(
        [
            protocol.ranks(found, held_out[place][:cut], held_out[place][cut : cut + 1])[0]
            for place, cut, found in chances(catalog, held_out, cuts)
        ]
    )
    return [
        BestScore(
            "playlists", "next_song", name, float(values(ranks).mean()), len(ranks), DEFINITION
        )
        for name, values in protocol.METRICS.items()
    ]
