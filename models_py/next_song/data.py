"""Playlists and tracks as arrays: a track is its index in the catalog."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models_py.examples import TrainingError
from models_py.next_song.edges import Edges
from models_py.next_song.protocol import HOLDOUT, questions

# From this column on, the columns of `feat_next_song_tracks` are audio features.
SOUND_FROM = 6
# Only the first words of a title are used.
TITLE_WORDS = 5


@dataclass(frozen=True)
class Catalog:
    """The n tracks and the title words that a model knows.

    Attributes:
        uris: the Spotify URI of each track; they are unique.
        artist: index of the artist, shape (n,).
        album: index of the album, shape (n,).
        song: index of the song, shape (n,); the versions of a song have the same.
        sound: standardized audio features, shape (n, s), 0 if unknown.
        has_sound: whether any audio feature is known, shape (n,).
        words: the words of titles; they are unique.
    """

    uris: Sequence[str]
    artist: NDArray[np.int64]
    album: NDArray[np.int64]
    song: NDArray[np.int64]
    sound: NDArray[np.float32]
    has_sound: NDArray[np.bool_]
    words: Sequence[str]

    def __len__(self) -> int:
        """Return the number of tracks."""
        return len(self.uris)


@dataclass(frozen=True)
class Playlists:
    """The n playlists of a catalog.

    Attributes:
        tracks: for each playlist the indices of its tracks, in order.
        titles: indices of the title's words, shape (n, TITLE_WORDS), padded with the number of
            words.
    """

    tracks: Sequence[NDArray[np.int64]]
    titles: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of playlists."""
        return len(self.tracks)

    def of(self, indices: Iterable[int]) -> "Playlists":
        """Return the playlists with these indices."""
        rows = np.fromiter(indices, dtype=np.int64)
        return Playlists([self.tracks[row] for row in rows], self.titles[rows])


def plays(playlists: Playlists, tracks: int) -> NDArray[np.int64]:
    """Return how often each track occurs in the playlists, shape (tracks,)."""
    everything = np.concatenate([*playlists.tracks, np.empty(0, dtype=np.int64)])
    return np.bincount(everything, minlength=tracks)


def last_tracks(tracks: Sequence[NDArray[np.int64]], length: int, none: int) -> NDArray[np.int64]:
    """Return the last tracks of each list, shape (n, length), padded with `none` from the left."""
    found = np.full((len(tracks), length), none, dtype=np.int64)
    for row, indices in enumerate(tracks):
        last = indices[max(len(indices) - length, 0) :]
        found[row, length - len(last) :] = last
    return found


@dataclass(frozen=True)
class Data:
    """The feature tables of next-song recommendation.

    Attributes:
        catalog: the tracks and words.
        held_out: the playlists for evaluation, which no model is trained on.
        questions: the questions about them, see `protocol.questions`.
        known: all other playlists.
        is_for_ranking: whether a known playlist is for fitting the ranking. The sequence net and
            `fit_edges` must not see it.
        edges: from all known playlists.
        fit_edges: from the known playlists that are not for ranking.
    """

    catalog: Catalog
    held_out: Playlists
    questions: Sequence[tuple[int, int]]
    known: Playlists
    is_for_ranking: NDArray[np.bool_]
    edges: Edges
    fit_edges: Edges


def read(playlists: pa.Table, tracks: pa.Table, edges: pa.Table) -> Data:
    """Return the feature tables as arrays.

    Args:
        playlists: `feat_next_song`, sorted by its key.
        tracks: `feat_next_song_tracks`, sorted by its key.
        edges: `feat_next_song_edges`, sorted by its key.

    Raises:
        TrainingError: a part has no playlists, or there is no question about the held-out ones.
    """
    fold = playlists["fold"].to_numpy()
    is_for_ranking = playlists["is_for_ranking"].to_numpy()
    parts = {
        f"in fold {HOLDOUT}": fold == HOLDOUT,
        "to fit the edges and the net": (fold != HOLDOUT) & ~is_for_ranking,
        "to fit the ranking": (fold != HOLDOUT) & is_for_ranking,
    }
    for name, is_in in parts.items():
        if not is_in.any():
            raise TrainingError(f"task next_song has no playlists {name}: add slices")
    titles = playlists["title_words"].to_pylist()
    words = _vocabulary(titles, fold != HOLDOUT)
    catalog = _catalog(tracks, words)
    every = Playlists(_lists(playlists["track_numbers"]), _titles(titles, words))
    held_out = every.of(np.flatnonzero(fold == HOLDOUT))
    asked = questions(held_out.tracks)
    if not asked:
        raise TrainingError(
            "task next_song: no held-out playlist has a new track after its first three: add slices"
        )
    return Data(
        catalog,
        held_out,
        asked,
        every.of(np.flatnonzero(fold != HOLDOUT)),
        is_for_ranking[fold != HOLDOUT],
        _edges(edges, ""),
        _edges(edges, "fit_"),
    )


def _lists(column: pa.ChunkedArray) -> list[NDArray[np.int64]]:
    lists = column.combine_chunks()
    offsets = lists.offsets.to_numpy()
    return np.split(lists.flatten().to_numpy().astype(np.int64), offsets[1:-1] - offsets[0])


def _vocabulary(titles: list[list[str]], is_known: NDArray[np.bool_]) -> list[str]:
    """Return the words that occur in at least two known titles."""
    counts = Counter(
        word for title, is_in in zip(titles, is_known, strict=True) if is_in for word in set(title)
    )
    return sorted(word for word, count in counts.items() if count > 1)


def _titles(titles: list[list[str]], words: list[str]) -> NDArray[np.int64]:
    indices = {word: index for index, word in enumerate(words)}
    found = np.full((len(titles), TITLE_WORDS), len(words), dtype=np.int64)
    for row, title in enumerate(titles):
        for column, word in enumerate(title[:TITLE_WORDS]):
            found[row, column] = indices.get(word, len(words))
    return found


def _catalog(tracks: pa.Table, words: list[str]) -> Catalog:
    sound = np.column_stack(
        [tracks[name].to_numpy().astype(np.float64) for name in tracks.column_names[SOUND_FROM:]]
    )
    has_sound = np.isfinite(sound).any(axis=1)
    known = np.where(np.isfinite(sound), sound, np.nan)
    mean, spread = np.zeros(sound.shape[1]), np.ones(sound.shape[1])
    if has_sound.any():
        mean, spread = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    standard = np.nan_to_num((known - mean) / np.maximum(spread, 1e-9))
    return Catalog(
        uris=tracks["track_uri"].to_pylist(),
        artist=_index(tracks["artist_uri"]),
        album=_index(tracks["album_uri"]),
        song=_index(tracks["song"]),
        sound=standard.astype(np.float32),
        has_sound=has_sound,
        words=words,
    )


def _index(names: pa.ChunkedArray) -> NDArray[np.int64]:
    _, indices = np.unique(names.to_numpy(), return_inverse=True)
    return indices.astype(np.int64)


def _edges(table: pa.Table, prefix: str) -> Edges:
    names = (f"{prefix}follows", f"{prefix}near", f"{prefix}together")
    return Edges(
        table["track_number"].to_numpy().astype(np.int64),
        table["neighbour_number"].to_numpy().astype(np.int64),
        np.column_stack([table[name].to_numpy() for name in names]).astype(np.float32),
        table[f"{prefix}strength"].to_numpy(),
    )
