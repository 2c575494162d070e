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

LARGEST_K = 100
# Number of title words that a graph takes.
TITLE_WORDS = 5
# Rows in a batch: each row needs several numbers for every track of the catalog.
BATCH = 64
SONG = pa.struct({"rank": pa.int32(), "track_uri": pa.string(), "score": pa.float64()})


def next_songs(
    models: Models,
    model_ids: pa.ChunkedArray,
    track_uris: pa.ChunkedArray,
    title_words: pa.ChunkedArray,
    ks: pa.ChunkedArray,
) -> pa.Array:
    """Return the k best next tracks, the best first; NULL if an argument is NULL.

    Raises:
        ModelError: a model is missing or does not recommend songs, or k is not from 1 to LARGEST_K.
    """
    columns = [whole(track_uris), whole(title_words), whole(ks)]
    asked = pc.drop_null(columns[2])
    for k in (pc.min(asked).as_py(), pc.max(asked).as_py()):
        if k is not None and not 1 <= k <= LARGEST_K:
            raise ModelError(f"next_songs: k is {k}: give 1 to {LARGEST_K}")
    return by_model(models, model_ids, columns, _offered)


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
    lists, words, ks = columns
    is_asked = _all_valid(columns)
    rows = np.flatnonzero(is_asked)
    parts = []
    for batch in _batches(rows):
        feeds = _feeds(model, lists.take(batch), words.take(batch), None)
        uris, scores = model.run(["track_uri", "score"], feeds)
        ranks = np.arange(1, uris.shape[1] + 1)
        is_in = (uris != "") & (ranks <= ks.take(batch).to_numpy()[:, None])
        parts.append((is_in.sum(axis=1), np.nonzero(is_in)[1] + 1, uris[is_in], scores[is_in]))
    counts = np.zeros(len(lists), dtype=np.int64)
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


def _batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _joined(parts: list[np.ndarray], type: DTypeLike) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=type), *parts]).astype(type)


def _feeds(
    model: Model, lists: pa.ListArray, words: pa.ListArray | None, asked: pa.Array | None
) -> dict[str, np.ndarray]:
    """Return the inputs of a graph; those that are not given are empty."""
    if "track_uri" not in model.outputs:
        raise ModelError(
            f"next_songs: model {model.model_id} does not recommend songs: see select model_id, "
            "algorithm from ml.model_versions where task = 'next_song'"
        )
    nothing = pa.array([[]] * len(lists), pa.list_(pa.string()))
    alone = np.full((len(lists), 1), "", dtype=object)
    return {
        "track_uris": _texts(lists, max(1, pc.max(pc.list_value_length(lists)).as_py())),
        "title_words": _texts(words or nothing, TITLE_WORDS),
        "asked": alone if asked is None else asked.to_numpy(zero_copy_only=False)[:, None],
    }


def _texts(lists: pa.ListArray, width: int) -> np.ndarray:
    """Return the first strings of each list (n, width), filled up with ''."""
    found = np.full((len(lists), width), "", dtype=object)
    for row, texts in enumerate(lists.to_pylist()):
        kept = [text or "" for text in texts[:width]]
        found[row, : len(kept)] = kept
    return found
