"""Best achievable scores on the playlists, from the exact probability of each next track.

The title and the tracks played so far give the probability of each direction, era, mood and kind
(forward filtering). Given these, the probability of a next track has a closed form, see
`playlist_generator`.
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
# The probabilities of direction, mood, era and kind at the first track.
START = np.einsum(
    "d,dm,e,k->dmek",
    generator.DIRECTION_SHARES,
    generator.STARTS,
    generator.ERA_SHARES,
    generator.KIND_SHARES,
)
NONE = -1


def chances(
    catalog: Catalog,
    playlists: Sequence[NDArray[np.int64]],
    told: NDArray[np.float64],
    cuts: Sequence[Sequence[int]],
) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """Yield (playlist, cut, chances) for each cut.

    The chances are each track's probability to come next after the first `cut` tracks.

    Args:
        catalog: the tracks.
        playlists: track indices of each playlist.
        told: how likely each playlist's title is, see `Titles.likelihood`.
        cuts: for each playlist one or more numbers of known tracks, each at least 1.
    """
    lengths = [max(numbers, default=0) for numbers in cuts]
    order = np.argsort(lengths, kind="stable")[::-1]
    known = Known(catalog, told[order])
    for step in range(max(lengths, default=0)):
        going = sum(length > step for length in lengths)
        known.keep(going)
        known.play(np.array([playlists[place][step] for place in order[:going]]))
        asked = [row for row in range(going) if step + 1 in cuts[order[row]]]
        for row, found in zip(asked, known.next_chances(np.array(asked, dtype=int)), strict=True):
            yield int(order[row]), step + 1, found


class Known:
    """Beliefs about n playlists, updated by one track of each at a time."""

    def __init__(self, catalog: Catalog, told: NDArray[np.float64]):
        """Begin with what the titles tell, see `Titles.likelihood`."""
        self._catalog = catalog
        # Probability of direction, mood, era and kind at the next track, given all earlier tracks.
        self._belief = START * told
        self._played = np.empty((len(told), 0), dtype=int)
        self._cell_share = catalog.weight / catalog.by_cell.sums[catalog.cells]
        self._mood_share = catalog.weight / catalog.by_mood.sums[catalog.mood]

    def keep(self, count: int) -> None:
        """Keep only the first `count` playlists."""
        self._belief, self._played = self._belief[:count], self._played[:count]

    def play(self, tracks: NDArray[np.int64]) -> None:
        """Update the beliefs with the next track of each playlist."""
        likelihood = self._likelihood(tracks)[:, None]
        belief = self._belief * likelihood
        belief /= belief.sum(axis=(1, 2, 3, 4), keepdims=True)
        self._belief = np.einsum("pdmek,dmn->pdnek", belief, generator.STEPS)
        self._played = np.column_stack([self._played, tracks])

    @property
    def _last(self) -> NDArray[np.int64]:
        return self._played[:, -1]

    def _likelihood(self, tracks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability of these next tracks, shape (n, MOODS, ERAS, kinds)."""
        rows, catalog = np.arange(len(tracks)), self._catalog
        pool = np.zeros((len(tracks), MOODS, ERAS))
        mood, era = catalog.mood[tracks], catalog.era[tracks]
        pool[rows, mood, :] += (generator.STRAY * self._mood_share[tracks])[:, None]
        pool[rows, mood, era] += (1 - generator.STRAY) * self._cell_share[tracks]
        if not self._played.shape[1]:
            return np.repeat(pool[..., None], len(generator.KINDS), axis=-1)
        shares = generator.shares(catalog, self._last)
        fixed = (shares[..., :3] * self._follows(tracks)[:, None]).sum(axis=2)
        common = fixed[:, None, None] + shares[:, None, None, :, 3] * pool[..., None]
        rare = np.where(catalog.weight[tracks] == 0, self._rare_chance(), 0)
        return (1 - generator.RARE) * common / self._unplayed() + rare[:, None, None, None]

    def _follows(self, tracks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability of these tracks by album, artist and editors, shape (n, 3)."""
        catalog, last = self._catalog, self._last
        others = np.maximum(catalog.by_artist.others(last), 1e-300)
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

    def _rare_chance(self) -> NDArray[np.float64]:
        """Return the probability of each rare track that was not played, shape (n,)."""
        weights = self._catalog.weight[self._played]
        unplayed = len(self._catalog.rare) - (weights == 0).sum(axis=1)
        return generator.RARE / unplayed

    def _unplayed(self) -> NDArray[np.float64]:
        """Return the probability that a track that is not rare is new at the first draw.

        The shape is (n, MOODS, ERAS, kinds).
        """
        catalog, last = self._catalog, self._last
        shares = generator.shares(catalog, last)
        played = self._played
        weights = np.where(catalog.artist[played] == catalog.artist[last][:, None], 1.0, 0.0)
        by_artist = (weights * catalog.weight[played]).sum(axis=1) - catalog.weight[last]
        others = np.maximum(catalog.by_artist.others(last), 1e-300)
        following, successors = catalog.album_next[last], catalog.successors[last]
        editors = (played[:, None] == successors[..., None]).any(axis=2)
        again = np.stack(
            [
                (played == following[:, None]).any(axis=1),
                np.maximum(by_artist, 0) / others,
                editors @ generator.SUCCESSOR_SHARES,
            ],
            axis=1,
        )
        fixed = (shares[..., :3] * again[:, None]).sum(axis=2)
        pool = self._played_pool()[..., None]
        return 1 - fixed[:, None, None] - shares[:, None, None, :, 3] * pool

    def _played_pool(self) -> NDArray[np.float64]:
        """Return the probability that the pool draws a played track, shape (n, MOODS, ERAS)."""
        catalog, played = self._catalog, self._played
        by_cell = np.zeros((len(played), MOODS * ERAS))
        by_mood = np.zeros((len(played), MOODS))
        rows = np.arange(len(played))[:, None]
        np.add.at(by_cell, (rows, catalog.cells[played]), self._cell_share[played])
        np.add.at(by_mood, (rows, catalog.mood[played]), self._mood_share[played])
        cells = by_cell.reshape(-1, MOODS, ERAS)
        return (1 - generator.STRAY) * cells + generator.STRAY * by_mood[..., None]

    def next_chances(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
        """Yield for each of these playlists every track's probability to come next."""
        catalog = self._catalog
        shares = generator.shares(catalog, self._last)
        weights = (1 - generator.RARE) * self._belief.sum(axis=1) / self._unplayed()
        rare = self._rare_chance()
        common = np.flatnonzero(catalog.weight)
        cells = catalog.cells[common]
        for row in rows:
            last, weight = self._last[row], weights[row]
            pool = weight @ shares[row, :, 3]
            by_cell = (1 - generator.STRAY) * pool / catalog.by_cell.sums.reshape(MOODS, ERAS)
            by_mood = generator.STRAY * pool.sum(axis=1) / catalog.by_mood.sums
            by_pool = (by_cell + by_mood[:, None]).ravel()
            found = np.full(len(catalog), rare[row])
            found[common] = by_pool[cells] * catalog.weight[common]
            album, artist, editors = weight.sum(axis=(0, 1)) @ shares[row, :, :3]
            if album:
                found[catalog.album_next[last]] += album
            if artist:
                others = catalog.by_artist.members(catalog.artist[last])
                others = others[others != last]
                found[others] += artist * catalog.weight[others] / catalog.weight[others].sum()
            np.add.at(found, catalog.successors[last], editors * generator.SUCCESSOR_SHARES)
            found[self._played[row]] = 0
            yield found


def rank(chances: NDArray[np.float64], track: int) -> float:
    """Return the rank of a track that was not played, as `protocol.ranks` does, without sorting."""
    above, equal = chances > chances[track], chances == chances[track]
    return float(above.sum() + (equal.sum() + 1) / 2)


class HeldOut:
    """The held-out playlists that are needed for the questions, gathered slice by slice."""

    def __init__(self, catalog: Catalog):
        """Begin without playlists."""
        self._catalog = catalog
        self._tracks: list[NDArray[np.int64]] = []
        self._told: list[NDArray[np.float64]] = []
        self._questions = 0

    def add(self, playlists: Sequence[NDArray[np.int64]], told: NDArray[np.float64]) -> None:
        """Add the held-out ones of these playlists, until there are enough questions."""
        for tracks, one in zip(playlists, told, strict=True):
            if self._questions >= protocol.MOST:
                return
            if protocol.fold(self._catalog.uri[tracks]) == protocol.HOLDOUT:
                self._tracks.append(tracks)
                self._told.append(one)
                self._questions += len(protocol.cuts(tracks))

    def best_scores(self) -> list[BestScore]:
        """Return the best achievable value of each metric on the held-out playlists' questions."""
        cuts: list[list[int]] = [[] for _ in self._tracks]
        for place, cut in protocol.questions(self._tracks):
            cuts[place].append(cut)
        told = np.array(self._told).reshape(-1, *START.shape)
        found = chances(self._catalog, self._tracks, told, cuts)
        ranks = np.array([rank(likely, self._tracks[place][cut]) for place, cut, likely in found])
        return [
            BestScore(
                "playlists", "next_song", name, float(values(ranks).mean()), len(ranks), DEFINITION
            )
            for name, values in protocol.METRICS.items()
        ]
