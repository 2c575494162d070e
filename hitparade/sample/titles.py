"""The titles of playlists, which hint at their hidden variables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitparade.sample import playlist_generator as generator
from hitparade.sample.catalog import ERAS, MOODS, Catalog
from hitparade.sample.playlists import Playlists

BY_MOOD = (
    ("sleep", "rainy day", "slow"),
    ("chill", "study", "coffee"),
    ("road trip", "good vibes", "weekend"),
    ("party", "dance", "summer"),
    ("workout", "gym", "pump up"),
)
BY_ERA = (("70s", "oldies"), ("80s", "retro"), ("90s", "throwback"), ("new", "fresh"))
BY_DIRECTION = (("wind down", "evening"), ("all day", "on repeat"), ("warm up", "rising"))
ANY = ("my playlist", "songs", "favorites", "music", "random", "stuff", "mix")
TELLING, ERA_TOLD, DIRECTION_TOLD = 0.75, 0.5, 0.25
# Share of titles that are the first artist's name, or the first album's, by kind of playlist.
NAMED = np.array([0.0, 0.5, 0.5])
SPELLINGS = (str, str.title, str.upper, "{} :)".format)
UNTOLD = -1


@dataclass(frozen=True)
class Titles:
    """The titles of playlists (n), and what they tell: an index, or UNTOLD.

    `kind` is told by the name of an artist or an album.
    """

    texts: list[str]
    kind: NDArray[np.int64]
    direction: NDArray[np.int64]
    mood: NDArray[np.int64]
    era: NDArray[np.int64]

    def likelihood(self) -> NDArray[np.float64]:
        """Return how likely each title is, up to a factor, by direction, mood, era and kind.

        The shape is (n, directions, MOODS, ERAS, kinds).
        """
        is_told = (self.kind != UNTOLD)[:, None]
        kind = np.where(is_told, NAMED * _agrees(self.kind, len(NAMED)), 1 - NAMED)
        direction = _agrees(self.direction, len(generator.DIRECTIONS))
        mood, era = _agrees(self.mood, MOODS), _agrees(self.era, ERAS)
        return np.einsum("nd,nm,ne,nk->ndmek", direction, mood, era, kind)


def _agrees(told: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Return which of `count` values agree with what is told, shape (n, count)."""
    return (told[:, None] == np.arange(count)) | (told[:, None] == UNTOLD)


def draw(rng: np.random.Generator, catalog: Catalog, playlists: Playlists) -> Titles:
    """Draw a title for each playlist."""
    count = len(playlists)
    is_named = rng.random(count) < NAMED[playlists.kind]
    is_telling = ~is_named & (rng.random(count) < TELLING)
    titles = Titles(
        [],
        np.where(is_named, playlists.kind, UNTOLD),
        _told(rng, playlists.direction, is_telling, DIRECTION_TOLD),
        np.where(is_telling, playlists.mood, UNTOLD),
        _told(rng, playlists.era, is_telling, ERA_TOLD),
    )
    for place, tracks in enumerate(playlists.tracks):
        words = _words(rng, catalog, titles, place, tracks[0])
        titles.texts.append(SPELLINGS[rng.integers(len(SPELLINGS))](words))
    return titles


def _told(
    rng: np.random.Generator, values: NDArray[np.int64], is_telling: NDArray[np.bool_], share: float
) -> NDArray[np.int64]:
    return np.where(is_telling & (rng.random(len(values)) < share), values, UNTOLD)


def _words(
    rng: np.random.Generator, catalog: Catalog, titles: Titles, place: int, first: int
) -> str:
    if titles.kind[place] == generator.AROUND_ARTISTS:
        return catalog.artist_names[catalog.artist[first]]
    if titles.kind[place] == generator.AROUND_ALBUMS:
        return catalog.album_names[catalog.album[first]]
    if titles.mood[place] == UNTOLD:
        return ANY[rng.integers(len(ANY))]
    told = (
        (BY_ERA, titles.era[place]),
        (BY_MOOD, titles.mood[place]),
        (BY_DIRECTION, titles.direction[place]),
    )
    return " ".join(
        choices[value][rng.integers(len(choices[value]))]
        for choices, value in told
        if value != UNTOLD
    )
