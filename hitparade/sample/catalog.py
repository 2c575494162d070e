"""The catalog of tracks in playlists: some from the tracks file, and others of the same albums.

Each track has a mood, given by its energy, and the era of its artist. Neither is in any file.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hitparade.sample import names
from hitparade.sample.files import Columns

MOODS, ERAS = 5, 4
IN_FILE = 0.6  # share of the tracks that are in the tracks file too
DEFAULT = 5_000
SIBLINGS = 4  # mean number of other tracks on an album that has any
SUCCESSORS = 3
# How quickly the weight of a track falls with its rank.
SKEW = 0.85


class Groups:
    """Tracks grouped by a key, to draw from in proportion to their weights."""

    def __init__(self, keys: NDArray[np.int64], weights: NDArray[np.float64], count: int):
        """Take each track's key, from 0 to count - 1, and its weight."""
        self._tracks = np.argsort(keys, kind="stable")
        self._ends = np.cumsum(weights[self._tracks])
        bounds = np.searchsorted(keys[self._tracks], np.arange(count + 1))
        ends = np.concatenate([[0], self._ends])
        self._low, self._high = ends[bounds[:-1]], ends[bounds[1:]]
        self.sums = self._high - self._low

    def draw(self, rng: np.random.Generator, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a random track for each key; the groups of these keys must have weight."""
        at = self._low[keys] + rng.random(len(keys)) * self.sums[keys]
        place = np.searchsorted(self._ends, at, side="right")
        return self._tracks[np.minimum(place, len(self._tracks) - 1)]


@dataclass(frozen=True)
class Catalog:
    """Columns of the tracks (n), by index; artists and albums have indices of their own."""

    uri: NDArray
    name: NDArray
    duration_ms: NDArray[np.int64]
    artist: NDArray[np.int64]
    album: NDArray[np.int64]
    mood: NDArray[np.int64]
    era: NDArray[np.int64]
    weight: NDArray[np.float64]
    album_next: NDArray[np.int64]  # the next track of the album, -1 after the last
    successors: NDArray[np.int64]  # tracks that editors like to play next, shape (n, SUCCESSORS)
    artist_names: list[str]
    album_names: list[str]
    artist_uri: NDArray
    album_uri: NDArray

    def __len__(self) -> int:
        """Return the number of tracks."""
        return len(self.uri)

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """The pool of each track, which is given by its mood and era."""
        return self.mood * ERAS + self.era

    @cached_property
    def by_cell(self) -> Groups:
        """Tracks by mood and era."""
        return Groups(self.cells, self.weight, MOODS * ERAS)

    @cached_property
    def by_mood(self) -> Groups:
        """Tracks by mood."""
        return Groups(self.mood, self.weight, MOODS)

    @cached_property
    def by_artist(self) -> Groups:
        """Tracks by artist."""
        return Groups(self.artist, self.weight, len(self.artist_names))


def make(rng: np.random.Generator, table: Columns, count: int | None = None) -> Catalog:
    """Make the tracks of the playlists.

    Args:
        rng: the random generator.
        table: rows of the tracks file.
        count: number of tracks; by default DEFAULT, or as many as the file allows.

    Raises:
        ValueError: the file has too few tracks.
    """
    most = int((len(np.unique(table["track_id"])) - 1) / IN_FILE)
    count = min(DEFAULT, most) if count is None else count
    file = _of_file(rng, table, round(count * IN_FILE))
    artist_names, artist = np.unique(file["artist"], return_inverse=True)
    parent = _parents(rng, len(artist), count - len(artist))
    tracks = np.concatenate([np.arange(len(artist)), parent])  # the source of artist, album, mood
    is_sibling = np.arange(len(tracks)) >= len(artist)
    energy = file["energy"][tracks] + is_sibling * rng.normal(0, 0.08, len(tracks))
    artist = artist[tracks]
    era = rng.integers(ERAS, size=len(artist_names))[artist]
    duration = file["duration_ms"][tracks] * np.where(is_sibling, rng.uniform(0.7, 1.4, count), 1)
    weight = _weights(rng, file["popularity"][tracks] - 15 * is_sibling)
    mood = np.searchsorted(np.quantile(energy, np.arange(1, MOODS) / MOODS), energy)
    catalog = Catalog(
        uri=_uris("track", np.append(file["track_id"], names.track_ids(rng, len(parent)))),
        name=np.append(file["track_name"], names.phrases(rng, names.TITLES, len(parent))),
        duration_ms=np.rint(duration).astype(int),
        artist=artist,
        album=tracks,
        mood=mood,
        era=era,
        weight=weight,
        album_next=_album_next(rng, tracks),
        successors=np.empty((count, SUCCESSORS), dtype=int),
        artist_names=artist_names.tolist(),
        album_names=file["album_name"].tolist(),
        artist_uri=_uris("artist", names.track_ids(rng, len(artist_names))),
        album_uri=_uris("album", names.track_ids(rng, len(file["album_name"]))),
    )
    catalog.successors[:] = _successors(rng, catalog)
    return catalog


def _of_file(rng: np.random.Generator, table: Columns, count: int) -> Columns:
    """Return some of the file's tracks, popular ones first, with only their first artist."""
    _, first = np.unique(table["track_id"], return_index=True)
    named = first[table["track_name"][first] != ""]
    if count > len(named):
        raise ValueError(
            f"the tracks file has {len(named)} tracks, and playlist_tracks needs {count} of them: "
            "use a smaller playlist_tracks, or more tracks"
        )
    chance = -np.log(rng.random(len(named))) / (5 + table["popularity"][named])
    chosen = np.sort(named[np.argsort(chance)[:count]])
    columns = ("track_id", "track_name", "album_name", "popularity", "energy", "duration_ms")
    found = {name: table[name][chosen] for name in columns}
    artists = [str(names_of).split(";")[0] for names_of in table["artists"][chosen]]
    return found | {"artist": np.array(artists)}


def _parents(rng: np.random.Generator, tracks: int, siblings: int) -> NDArray[np.int64]:
    """Return for each track outside the file a track of the file whose album it is on."""
    albums = rng.choice(tracks, size=max(1, siblings // SIBLINGS), replace=False)
    return rng.choice(albums, size=siblings)


def _weights(rng: np.random.Generator, popularity: NDArray) -> NDArray[np.float64]:
    """Return how often each track is played, by the rank of its popularity and chance."""
    order = np.argsort(-(popularity / 20 + rng.normal(size=len(popularity))))
    weights = np.empty(len(order))
    weights[order] = (np.arange(len(order)) + 10.0) ** -SKEW
    return weights / weights.sum()


def _album_next(rng: np.random.Generator, album: NDArray[np.int64]) -> NDArray[np.int64]:
    order = rng.permutation(len(album))
    order = order[np.argsort(album[order], kind="stable")]
    following = np.full(len(album), -1)
    is_same = album[order[:-1]] == album[order[1:]]
    following[order[:-1][is_same]] = order[1:][is_same]
    return following


def _successors(rng: np.random.Generator, catalog: Catalog) -> NDArray[np.int64]:
    """Return other tracks of the same era, and of the same or a neighboring mood."""
    step = rng.choice([-1, 0, 1], size=(len(catalog), SUCCESSORS), p=[0.2, 0.6, 0.2])
    mood = np.clip(catalog.mood[:, None] + step, 0, MOODS - 1)
    cells = (mood * ERAS + catalog.era[:, None]).ravel()
    found = catalog.by_cell.draw(rng, cells).reshape(step.shape)
    while (own := found == np.arange(len(catalog))[:, None]).any():
        found[own] = catalog.by_cell.draw(rng, cells.reshape(step.shape)[own])
    return found


def _uris(kind: str, ids: NDArray) -> NDArray:
    return np.array([f"spotify:{kind}:{one}" for one in ids])
