"""The catalog of tracks in playlists: some from the tracks file, and others.

An artist has albums, and an album has tracks. Each track has a mood, given by its energy, and the
era of its artist. Neither is in any file.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hitparade.sample import names
from hitparade.sample.files import Columns

MOODS, ERAS = 5, 4
# The Million Playlist Dataset, as its authors describe it.
PUBLISHED = {"playlists": 1_000_000, "tracks": 2_262_292, "artists": 295_860, "albums": 734_684}
IN_FILE = 0.4  # largest share of the tracks that are in the tracks file too
# What no playlist has, for each that one has: most of the rare tracks are in none.
UNSEEN = {"tracks": 0.94, "artists": 0.08, "albums": 0.30}
COMMON = 0.39  # tracks that are not rare, for each that a playlist has
SUCCESSORS = 3
FEWEST_IN_CELL = 2  # tracks of a mood and an era that are not rare
# How quickly the weight of a track falls with its rank, and the share of tracks at the flat top.
SKEW, TOP = 1.2, 0.05
# Standard deviations of what decides a track's rank beside its popularity: of albums, of tracks.
ALBUM_SD, TRACK_SD = 0.8, 0.3


class Groups:
    """Tracks grouped by a key, to draw from in proportion to their weights."""

    def __init__(self, keys: NDArray[np.int64], weights: NDArray[np.float64], count: int):
        """Take each track's key, from 0 to count - 1, and its weight."""
        self._keys, self._weights = keys, weights
        self._tracks = np.argsort(keys, kind="stable")
        self._ends = np.cumsum(weights[self._tracks])
        self._bounds = np.searchsorted(keys[self._tracks], np.arange(count + 1))
        starts = np.concatenate([[0], self._ends])
        self._start = np.empty(len(keys))  # where the weight of each track begins
        self._start[self._tracks] = starts[:-1]
        self._low = starts[self._bounds[:-1]]
        self.sums = starts[self._bounds[1:]] - self._low
        self.common = np.bincount(keys[weights > 0], minlength=count)  # tracks that are not rare

    def members(self, key: int) -> NDArray[np.int64]:
        """Return the tracks of a group."""
        return self._tracks[self._bounds[key] : self._bounds[key + 1]]

    def draw(self, rng: np.random.Generator, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a random track for each key; the groups of these keys must have weight."""
        return self._at(keys, self._low[keys] + rng.random(len(keys)) * self.sums[keys])

    def others(self, tracks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the weight of the other tracks in each track's group, 0 if it has no other."""
        others = self.sums[self._keys[tracks]] - self._weights[tracks]
        return np.where(others > 1e-12, others, 0.0)

    def draw_other(self, rng: np.random.Generator, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return another track of each track's group, which must have weight."""
        keys, own = self._keys[tracks], self._weights[tracks]
        at = self._low[keys] + rng.random(len(keys)) * (self.sums[keys] - own)
        return self._at(keys, at + (at >= self._start[tracks]) * own)

    def _at(self, keys: NDArray[np.int64], at: NDArray[np.float64]) -> NDArray[np.int64]:
        place = np.searchsorted(self._ends, at, side="right")
        return self._tracks[np.clip(place, self._bounds[keys], self._bounds[keys + 1] - 1)]


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
    def rare(self) -> NDArray[np.int64]:
        """The tracks of the long tail, which pools, artists and editors leave out."""
        return np.flatnonzero(self.weight == 0)

    @cached_property
    def by_artist(self) -> Groups:
        """Tracks by artist."""
        return Groups(self.artist, self.weight, len(self.artist_names))


def default_count(playlists: int) -> int:
    """Return as many distinct tracks for some playlists as the published ones have."""
    return round(playlists * PUBLISHED["tracks"] / PUBLISHED["playlists"])


def make(rng: np.random.Generator, table: Columns, count: int) -> Catalog:
    """Make the tracks of the playlists, with as many to an artist and an album as published.

    Args:
        rng: the random generator.
        table: rows of the tracks file, which some of the tracks come from.
        count: about how many distinct tracks the playlists will have.

    Raises:
        ValueError: a mood and era have too few tracks.
    """
    size, artist_count, album_count = (
        round(count * PUBLISHED[name] / PUBLISHED["tracks"] * (1 + unseen))
        for name, unseen in UNSEEN.items()
    )
    file = _of_file(rng, table, round(count * IN_FILE))
    artists = _artists(rng, file, artist_count)
    albums = _albums(rng, file, artists, album_count)
    ids, others = file["track_id"], size - len(file["track_id"])
    album = np.append(file["album"], _albums_of_others(rng, len(albums["name"]), file, others))
    artist = albums["artist"][album]
    in_file = np.arange(size) < len(ids)
    energy = albums["energy"][album] + rng.normal(0, 0.08, size)
    popularity = artists["popularity"][artist] - 15
    energy[in_file], popularity[in_file] = file["energy"], file["popularity"]
    era = rng.integers(ERAS, size=len(artists["name"]))[artist]
    duration = rng.choice(file["duration_ms"], others) * rng.uniform(0.7, 1.4, others)
    weight = _weights(rng, popularity, album, round(COMMON * count))
    # Each mood has equally many of the tracks that are not rare.
    bounds = np.quantile(energy[weight > 0], np.arange(1, MOODS) / MOODS)
    mood = np.searchsorted(bounds, energy)
    catalog = Catalog(
        uri=_uris("track", np.append(ids, names.track_ids(rng, others))),
        name=np.append(file["track_name"], names.phrases(rng, names.TITLES, others)),
        duration_ms=np.append(file["duration_ms"], np.rint(duration).astype(int)),
        artist=artist,
        album=album,
        mood=mood,
        era=era,
        weight=weight,
        album_next=_album_next(rng, album * 2 + (weight == 0)),
        successors=np.empty((size, SUCCESSORS), dtype=int),
        artist_names=artists["name"].tolist(),
        album_names=albums["name"].tolist(),
        artist_uri=_uris("artist", names.track_ids(rng, len(artists["name"]))),
        album_uri=_uris("album", names.track_ids(rng, len(albums["name"]))),
    )
    if catalog.by_cell.common.min() < FEWEST_IN_CELL:
        raise ValueError(
            f"playlist_tracks={count} gives too few tracks for a mood and an era: use more, or "
            "another seed"
        )
    catalog.successors[:] = _successors(rng, catalog)
    return catalog


def _of_file(rng: np.random.Generator, table: Columns, count: int) -> Columns:
    """Return up to `count` tracks of the file, all of an artist together, popular artists first.

    Of its artists a track keeps only the first. `artist` and `album` are indices.
    """
    _, first = np.unique(table["track_id"], return_index=True)
    named = first[table["track_name"][first] != ""]
    leads = np.array([str(names_of).split(";")[0] for names_of in table["artists"][named]])
    _, lead = np.unique(leads, return_inverse=True)
    best = np.zeros(lead.max() + 1)
    np.maximum.at(best, lead, table["popularity"][named])
    chance = -np.log(rng.random(len(best))) / (5 + best)
    chosen = np.sort(np.argsort(chance[lead], kind="stable")[:count])
    columns = ("track_id", "track_name", "album_name", "popularity", "energy", "duration_ms")
    found = {name: table[name][named[chosen]] for name in columns}
    found["artist_name"], found["artist"] = np.unique(leads[chosen], return_inverse=True)
    albums = [
        f"{one} {name}" for one, name in zip(found["artist"], found["album_name"], strict=True)
    ]
    _, found["first_of_album"], found["album"] = np.unique(
        albums, return_index=True, return_inverse=True
    )
    return found


def _artists(rng: np.random.Generator, file: Columns, count: int) -> Columns:
    """Return the artists of the file, and others until there are `count`."""
    known = len(file["artist_name"])
    plays = np.bincount(file["artist"])
    popularity = np.bincount(file["artist"], file["popularity"]) / plays
    energy = np.bincount(file["artist"], file["energy"]) / plays
    others = rng.integers(known, size=max(count - known, 0))
    return {
        "name": np.append(file["artist_name"], names.other_artists(rng, len(others))),
        "popularity": np.append(popularity, popularity[others] - 15),
        "energy": np.append(energy, energy[others]),
    }


def _albums(rng: np.random.Generator, file: Columns, artists: Columns, count: int) -> Columns:
    """Return the albums of the file, and others until there are `count`, one or more an artist."""
    first, known = file["first_of_album"], len(file["artist_name"])
    new = np.arange(known, len(artists["name"]))
    more = rng.integers(len(artists["name"]), size=max(count - len(first) - len(new), 0))
    artist = np.concatenate([new, more])
    energy = artists["energy"][artist] + rng.normal(0, 0.1, len(artist))
    return {
        "name": np.append(file["album_name"][first], names.phrases(rng, names.ALBUMS, len(artist))),
        "artist": np.append(file["artist"][first], artist),
        "energy": np.append(file["energy"][first], energy),
    }


def _albums_of_others(
    rng: np.random.Generator, albums: int, file: Columns, count: int
) -> NDArray[np.int64]:
    """Return the albums of the tracks that are not in the file; each album gets a track."""
    empty = np.arange(len(file["first_of_album"]), albums)[:count]
    length = rng.lognormal(size=albums)
    more = rng.choice(albums, size=count - len(empty), p=length / length.sum())
    return np.append(empty, more)


def _weights(
    rng: np.random.Generator, popularity: NDArray, album: NDArray[np.int64], common: int
) -> NDArray[np.float64]:
    """Return how often each track is drawn, by its popularity and chance; 0 for a rare track."""
    size = len(popularity)
    chance = ALBUM_SD * rng.normal(size=album.max() + 1)[album] + TRACK_SD * rng.normal(size=size)
    rank = np.argsort(np.argsort(-(popularity / 20 + chance)))
    weights = np.where(rank < common, (rank + TOP * common) ** -SKEW, 0.0)
    return weights / weights.sum()


def _album_next(rng: np.random.Generator, album: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the track that follows each one on its album, -1 for the last."""
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
