"""`onnx_next_songs` and its relatives: the next tracks of playlists, by models of next_song.

A model's graph takes and gives strings, see `models_py.next_song.export`, so the registry alone
knows what a URI means. Tracks that the model does not know, and NULLs, are ignored.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike

from udfs.errors import ModelError
from udfs.runtime.sessions import Model, Models
from udfs.runtime.vectors import by_model, whole

LARGEST_K = 500
# The value of `among` for all tracks. NULL would be a trap: list() of no rows is NULL.
ALL = "*"
# Graphs without this input were trained before there were options; they return fewer tracks.
LIMITED, OLD_LARGEST_K = "is_limited", 100
# Number of title words that a graph takes.
TITLE_WORDS = 5
# Rows in a batch: each row needs several numbers for every track of the catalog. Texts in a batch:
# lists are filled up to the longest one.
BATCH, TEXTS = 64, 100_000
SONG = pa.struct({"rank": pa.int32(), "track_uri": pa.string(), "score": pa.float64()})


def next_songs(
    models: Models,
    model_ids: pa.ChunkedArray,
    track_uris: pa.ChunkedArray,
    title_words: pa.ChunkedArray,
    ks: pa.ChunkedArray,
    exclude: pa.ChunkedArray,
    among: pa.ChunkedArray,
    per_artist: pa.ChunkedArray,
    allow_other_versions: pa.ChunkedArray,
) -> pa.Array:
    """Return the k best next tracks, the best first; NULL if a list, `among` or k is NULL.

    A list is shorter than k if fewer of the LARGEST_K best tracks meet the options.

    Args:
        models: gives the model of an id.
        model_ids: the model of each row.
        track_uris: the tracks that were played.
        title_words: words of the title.
        ks: number of tracks to return.
        exclude: tracks that must not be returned; NULL for none.
        among: the only tracks that may be returned; only ALL for all.
        per_artist: the largest number of tracks by one artist; NULL for any number.
        allow_other_versions: whether other versions of the songs in the list and in `exclude`, and
            several versions of one song, may be returned; NULL for no.

    Raises:
        ModelError: a model is missing or does not recommend songs, k is not from 1 to LARGEST_K,
            per_artist is below 1, or the model was trained before an option existed.
    """
    columns = [whole(one) for one in (track_uris, title_words, ks, among)]
    options = [whole(one) for one in (exclude, per_artist, allow_other_versions)]
    asked = pc.drop_null(columns[2])
    for k in (pc.min(asked).as_py(), pc.max(asked).as_py()):
        if k is not None and not 1 <= k <= LARGEST_K:
            raise ModelError(f"next_songs: k is {k}: give 1 to {LARGEST_K}")
    smallest = pc.min(options[1]).as_py()
    if smallest is not None and smallest < 1:
        raise ModelError(f"next_songs: per_artist is {smallest}: give at least 1, or NULL for any")
    return by_model(models, model_ids, [*columns, *options], _offered)


def next_song_score(
    models: Models,
    model_ids: pa.ChunkedArray,
    track_uris: pa.ChunkedArray,
    asked: pa.ChunkedArray,
) -> pa.Array:
    """Return how likely a track comes next; NULL for a track that the model does not know.

    Raises:
        ModelError: a model is missing or does not recommend songs.
    """
    return by_model(models, model_ids, [whole(track_uris), whole(asked)], _asked)


def track_vector(
    models: Models, model_ids: pa.ChunkedArray, track_uris: pa.ChunkedArray
) -> pa.Array:
    """Return the unit vector of a track; NULL if the model does not know it or has no vectors.

    Raises:
        ModelError: a model is missing or does not recommend songs.
    """
    return by_model(models, model_ids, [whole(track_uris)], _vectors)


def _offered(model: Model, columns: list[pa.Array]) -> pa.Array:
    is_asked = _all_valid(columns[:4])
    rows = np.flatnonzero(is_asked)
    widths = np.max([_lengths(columns[place])[rows] for place in (0, 3, 4)], axis=0)
    parts = [
        _best(model, [column.take(batch) for column in columns]) for batch in _batches(rows, widths)
    ]
    counts = np.zeros(len(is_asked), dtype=np.int64)
    counts[rows] = _joined([part[0] for part in parts], np.int64)
    values = pa.StructArray.from_arrays(
        [
            pa.array(_joined([part[1] for part in parts], np.int32)),
            pa.array(_joined([part[2] for part in parts], object), pa.string()),
            pa.array(_joined([part[3] for part in parts], np.float64)),
        ],
        fields=list(SONG),
    )
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~is_asked))


def _best(model: Model, columns: list[pa.Array]) -> tuple[np.ndarray, ...]:
    """Return the number of songs of each row, and their ranks, URIs and scores, row after row."""
    lists, words, ks, among, exclude, per_artist, versions = columns
    feeds = _feeds(model, lists, words, None, exclude, among)
    if LIMITED in model.shapes:
        names = ["track_uri", "score", "artist", "song", "barred_song"]
        uris, scores, artists, songs, barred = model.run(names, feeds)
        is_in = uris != ""
        for row, (most, allows) in enumerate(
            zip(per_artist.to_pylist(), versions.to_pylist(), strict=True)
        ):
            if not allows:
                is_in[row] &= ~np.isin(songs[row], barred[row])
                is_in[row] &= _is_early(songs[row], is_in[row])
            if most is not None:
                is_in[row] &= _is_early(artists[row], is_in[row], most)
    else:
        _refuse_options(model, {"exclude": exclude, "per_artist": per_artist}, ks)
        uris, scores = model.run(["track_uri", "score"], feeds)
        is_in = uris != ""
    ranks = np.cumsum(is_in, axis=1)
    is_in &= ranks <= ks.to_numpy()[:, None]
    return is_in.sum(axis=1), ranks[is_in], uris[is_in], scores[is_in]


def _is_early(groups: np.ndarray, is_in: np.ndarray, most: int = 1) -> np.ndarray:
    """Return whether each place (n,) is one of the first `most` of its group that are in."""
    places = np.flatnonzero(is_in)
    order = places[np.argsort(groups[places], kind="stable")]
    starts = np.flatnonzero(np.diff(groups[order], prepend=-2))
    sizes = np.diff(np.append(starts, len(order)))
    found = np.zeros(len(groups), dtype=bool)
    found[order] = np.arange(len(order)) - np.repeat(starts, sizes) < most
    return found


def _refuse_options(model: Model, options: dict[str, pa.Array], ks: pa.Array) -> None:
    """Refuse options of a model that was trained before there were any.

    Raises:
        ModelError: an option is given, or k is larger than the model's list.
    """
    given = {
        name: pc.any(pc.greater(pc.list_value_length(values), 0))
        if pa.types.is_list(values.type)
        else pc.any(values.is_valid())
        for name, values in options.items()
    }
    given[f"a k above {OLD_LARGEST_K}"] = pc.any(pc.greater(ks, OLD_LARGEST_K))
    for name, is_given in given.items():
        if is_given.as_py():
            raise _too_old(model, name)


def _too_old(model: Model, option: str) -> ModelError:
    return ModelError(
        f"next_songs: model {model.model_id} was trained before {option} existed: leave it out, or "
        "run `hitparade build` and use a model that it trains"
    )


def _asked(model: Model, columns: list[pa.Array]) -> pa.Array:
    lists, asked = columns
    is_asked = _all_valid(columns)
    found = np.full(len(lists), np.nan)
    for batch in _batches(np.flatnonzero(is_asked)):
        feeds = _feeds(model, lists.take(batch), None, asked.take(batch))
        (scores,) = model.run(["asked_score"], feeds)
        found[batch] = scores[:, 0]
    return pa.array(found, mask=np.isnan(found))


def _vectors(model: Model, columns: list[pa.Array]) -> pa.Array:
    (asked,) = columns
    vectors = pa.list_(pa.float32())
    if "vector" not in model.outputs and "track_uri" in model.outputs:
        return pa.nulls(len(asked), vectors)
    found: list[np.ndarray | None] = [None] * len(asked)
    nothing = pa.array([[]] * BATCH, pa.list_(pa.string()))
    for batch in _batches(np.flatnonzero(_all_valid(columns))):
        feeds = _feeds(model, nothing.slice(0, len(batch)), None, asked.take(batch))
        (rows,) = model.run(["vector"], feeds)
        for place, row in zip(batch, rows, strict=True):
            found[place] = row if row.any() else None
    return pa.array(found, vectors)


def _all_valid(columns: list[pa.Array]) -> np.ndarray:
    """Return which rows have no NULL argument."""
    valid = [column.is_valid().to_numpy(zero_copy_only=False) for column in columns]
    return np.logical_and.reduce(valid)


def _batches(rows: np.ndarray, widths: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yield the rows in batches of at most BATCH rows and, with their widths, about TEXTS texts."""
    start, widest = 0, 1
    for place in range(len(rows)):
        wider = max(widest, int(widths[place])) if widths is not None else 1
        count = place - start
        if count == BATCH or (count and (count + 1) * wider > TEXTS):
            yield rows[start:place]
            start, wider = place, int(widths[place]) if widths is not None else 1
        widest = wider
    if len(rows):
        yield rows[start:]


def _joined(parts: list[np.ndarray], type: DTypeLike) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=type), *parts]).astype(type)


def _feeds(
    model: Model,
    lists: pa.ListArray,
    words: pa.ListArray | None,
    asked: pa.Array | None,
    exclude: pa.ListArray | None = None,
    among: pa.ListArray | None = None,
) -> dict[str, np.ndarray]:
    """Return the inputs of a graph; those that are not given are empty."""
    if "track_uri" not in model.outputs:
        raise ModelError(
            f"next_songs: model {model.model_id} does not recommend songs: see select model_id, "
            "algorithm from ml.model_versions where task = 'next_song'"
        )
    nothing = pa.array([[]] * len(lists), pa.list_(pa.string()))
    alone = np.full((len(lists), 1), "", dtype=object)
    feeds = {
        "track_uris": _texts(lists, _longest(lists)),
        "title_words": _texts(words or nothing, TITLE_WORDS),
        "asked": alone if asked is None else asked.to_numpy(zero_copy_only=False)[:, None],
    }
    only = [among is not None and uris != [ALL] for uris in (among or nothing).to_pylist()]
    if LIMITED in model.shapes:
        for name, uris in (("exclude", exclude), ("among", among)):
            feeds[name] = alone if uris is None else _texts(uris, _longest(uris))
        feeds[LIMITED] = np.array(only, dtype=np.int64)[:, None]
    elif any(only):
        raise _too_old(model, "among")
    return feeds


def _lengths(lists: pa.ListArray) -> np.ndarray:
    """Return the length of each list; 0 for NULL."""
    return pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)


def _longest(lists: pa.ListArray) -> int:
    """Return the length of the longest list, at least 1."""
    return max(1, pc.max(pc.list_value_length(lists)).as_py() or 0)


def _texts(lists: pa.ListArray, width: int) -> np.ndarray:
    """Return the first strings of each list (n, width), filled up with ''; NULL is empty."""
    found = np.full((len(lists), width), "", dtype=object)
    for row, texts in enumerate(lists.to_pylist()):
        kept = [text or "" for text in (texts or [])[:width]]
        found[row, : len(kept)] = kept
    return found
