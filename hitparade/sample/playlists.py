"""Draw playlists by the rules of `playlist_generator`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitparade.sample import playlist_generator as generator
from hitparade.sample.catalog import ERAS, Catalog

MEDIAN, SPREAD = 49, 0.8  # of the lengths; their mean is 66, as published
SHORTEST, LONGEST = 5, 376
# A playlist has at most this share of the tracks of a mood that are not rare: it may stay in one.
PART = 0.7
REPEATED = 0.01  # share of playlists with a track twice


@dataclass(frozen=True)
class Playlists:
    """Playlists (n): their track indices, and their hidden variables."""

    tracks: list[NDArray[np.int64]]
    kind: NDArray[np.int64]
    direction: NDArray[np.int64]
    era: NDArray[np.int64]
    mood: NDArray[np.int64]  # at its first track

    def __len__(self) -> int:
        """Return the number of playlists."""
        return len(self.tracks)


def draw(rng: np.random.Generator, catalog: Catalog, count: int) -> Playlists:
    """Draw random playlists."""
    lengths = np.rint(MEDIAN * np.exp(SPREAD * rng.normal(size=count))).astype(int)
    longest = min(LONGEST, int(catalog.by_mood.common.min() * PART))
    lengths = np.sort(np.clip(lengths, SHORTEST, longest))[::-1]
    tracks = np.full((count, lengths[0]), -1)
    kind = rng.choice(len(generator.KINDS), size=count, p=generator.KIND_SHARES)
    direction = rng.choice(len(generator.DIRECTIONS), size=count, p=generator.DIRECTION_SHARES)
    era = rng.choice(ERAS, size=count, p=generator.ERA_SHARES)
    start = _pick(rng, generator.STARTS[direction])
    mood = start.copy()
    for step in range(lengths[0]):
        going = int(np.searchsorted(-lengths, -step))  # playlists are sorted by length here
        if step:
            mood[:going] = _pick(rng, generator.STEPS[direction[:going], mood[:going]])
        is_rare = rng.random(going) < (generator.RARE if step else 0)
        missing = np.arange(going)
        while len(missing):
            found = _pool(rng, catalog, mood[missing], era[missing])
            if step:
                found = _next(rng, catalog, tracks[missing, step - 1], kind[missing], found)
            rare = np.flatnonzero(is_rare[missing])
            found[rare] = rng.choice(catalog.rare, size=len(rare))
            is_new = (tracks[missing, :step] != found[:, None]).all(axis=1)
            tracks[missing[is_new], step] = found[is_new]
            missing = missing[~is_new]
    order = rng.permutation(count)  # undo the sorting by length
    return Playlists(
        [_repeated(rng, tracks[place, : lengths[place]]) for place in order],
        kind[order],
        direction[order],
        era[order],
        start[order],
    )


def _repeated(rng: np.random.Generator, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tracks of a playlist, rarely with one repeated at the end."""
    again = rng.integers(len(tracks))
    return np.append(tracks, tracks[again]) if rng.random() < REPEATED else tracks


def _pick(rng: np.random.Generator, chances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a random position in each row, drawn with the row's probabilities."""
    return (rng.random((len(chances), 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)


def _pool(
    rng: np.random.Generator,
    catalog: Catalog,
    mood: NDArray[np.int64],
    era: NDArray[np.int64],
) -> NDArray[np.int64]:
    strays = rng.random(len(mood)) < generator.STRAY
    found = catalog.by_cell.draw(rng, mood * ERAS + era)
    found[strays] = catalog.by_mood.draw(rng, mood[strays])
    return found


def _next(
    rng: np.random.Generator,
    catalog: Catalog,
    last: NDArray[np.int64],
    kind: NDArray[np.int64],
    pool: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the next track of each playlist; `pool` has the one that its pool suggests."""
    chances = generator.shares(catalog, last)[np.arange(len(last)), kind]
    source = _pick(rng, chances)
    album, artist, editors = (np.flatnonzero(source == place) for place in range(3))
    found = pool.copy()
    found[album] = catalog.album_next[last[album]]
    found[artist] = catalog.by_artist.draw_other(rng, last[artist])
    chosen = _pick(rng, np.tile(generator.SUCCESSOR_SHARES, (len(editors), 1)))
    found[editors] = catalog.successors[last[editors], chosen]
    return found
