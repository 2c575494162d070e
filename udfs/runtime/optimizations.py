"""`onnx_optimize_song`: what to change in songs, by models of the task song_optimization.

`models_py.song_optimization.graph` describes the graph of such a model. The held-out evaluator is
a model of popularity that was trained on other artists. It scores each song before and after.
"""

from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.errors import ModelError
from udfs.runtime.scores import LARGEST, onnx_predict
from udfs.runtime.sessions import Model, Models
from udfs.runtime.vectors import by_model, whole

# Songs in a batch: a larger batch does not fit the processor's cache.
BATCH = 512
STEPS = 2, 1_000
OUTPUTS = ["optimized", "before", "after", "effects", "distances"]
NUMBERS = pa.list_(pa.float64())
LISTS = ("original", "optimized", "effects")
FIGURES = (
    *("popularity_before", "popularity_after", "judged_before", "judged_after"),
    *("distance_before", "distance_after"),
)
OPTIMIZATION = pa.struct(dict.fromkeys(LISTS, NUMBERS) | dict.fromkeys(FIGURES, pa.float64()))
# OPTIMIZATION as a SQL type.
RETURNS = "struct({}, {})".format(
    ", ".join(f"{name} double[]" for name in LISTS),
    ", ".join(f"{name} double" for name in FIGURES),
)


def optimize_song(
    models: Models,
    model_ids: pa.ChunkedArray,
    judge_ids: pa.ChunkedArray,
    songs: pa.ChunkedArray,
    lows: pa.ChunkedArray,
    highs: pa.ChunkedArray,
    max_changes: pa.ChunkedArray,
    most: pa.ChunkedArray,
    penalty: pa.ChunkedArray,
    steps: pa.ChunkedArray,
) -> pa.StructArray:
    """Return the changes for each song; NULL if an argument is NULL or a number is not usable.

    Songs are lists of k numbers. The lists lows, highs and max_changes have one number for each
    input that may change.

    Raises:
        ModelError: a model is missing or does not optimize songs, a list has the wrong length, or
            an option is out of range.
    """
    given = (judge_ids, songs, lows, highs, max_changes, most, penalty, steps)
    columns = [whole(column) for column in given]
    return by_model(models, model_ids, columns, partial(_optimized, models))


def _optimized(models: Models, model: Model, columns: list[pa.Array]) -> pa.StructArray:
    if not {*OUTPUTS} <= {*model.outputs}:
        raise ModelError(
            f"optimize_song: model {model.model_id} does not optimize songs: see select model_id, "
            "algorithm from ml.model_versions where task = 'song_optimization'"
        )
    judge_ids, songs, *limits, most, penalty, steps = columns
    inputs, width = model.shapes["songs"][1], model.shapes["max_changes"][1]
    songs = _matrix("song", songs, inputs)
    names = ("lows", "highs", "max_changes")
    limits = [_matrix(name, one, width) for name, one in zip(names, limits, strict=True)]
    _refuse("max_changes", limits[2], 0, LARGEST)
    _refuse("max_features", _numbers(most), 1, width)
    _refuse("penalty", _numbers(penalty), 0, LARGEST)
    _refuse("steps", _numbers(steps), *STEPS)
    given = (songs, *limits, _column(penalty))
    usable = [(np.abs(values) <= LARGEST).all(axis=1) for values in given]
    valid = [_is_valid(column) for column in columns]
    rows = np.flatnonzero(np.logical_and.reduce([*usable, *valid]))
    if not len(rows):
        return pa.nulls(len(judge_ids), OPTIMIZATION)
    feeds = {"songs": songs} | dict(zip(names, limits, strict=True)) | {"penalty": _column(penalty)}
    feeds = {name: values[rows].astype(np.float32) for name, values in feeds.items()}
    feeds["most"] = _column(most)[rows].astype(np.int64)
    optimized, before, after, effects, distances = _run(
        model, feeds, _numbers(steps)[rows].astype(np.int64), width
    )
    original = songs[rows, :width]
    # Unchanged inputs keep the digits that float32 would lose.
    is_same = optimized == feeds["songs"][:, :width]
    optimized = np.where(is_same, original, optimized.astype(np.float64))
    changed = np.hstack([optimized, songs[rows, width:]])
    judged = [_judged(models, judge_ids, rows, part) for part in (songs[rows], changed)]
    figures = [before[:, 0], after[:, 0], *judged, *distances.T]
    return _structs(len(judge_ids), rows, [original, optimized, effects], figures)


def _run(
    model: Model, feeds: dict[str, np.ndarray], steps: np.ndarray, width: int
) -> list[np.ndarray]:
    """Return the outputs of a graph, run in batches of songs with the same number of steps."""
    count = len(steps)
    found = [np.empty((count, size)) for size in (width, 1, 1, width, 2)]
    for number in np.unique(steps):
        same = np.flatnonzero(steps == number)
        for start in range(0, len(same), BATCH):
            batch = same[start : start + BATCH]
            part = {name: values[batch] for name, values in feeds.items()}
            answer = model.run(OUTPUTS, part | {"steps": np.array(number)})
            for values, own in zip(found, answer, strict=True):
                values[batch] = own
    return found


def _refuse(name: str, values: np.ndarray, low: float, high: float) -> None:
    """Refuse a call with a number out of range; NULLs are NaN here, and pass."""
    if wrong := values[(values < low) | (values > high)].tolist():
        raise ModelError(f"optimize_song: {name} is {wrong[0]:g}: give {low:g} to {high:g}")


def _is_valid(column: pa.Array) -> np.ndarray:
    return column.is_valid().to_numpy(zero_copy_only=False)


def _numbers(values: pa.Array) -> np.ndarray:
    """Return numbers (n,), NaN for NULL."""
    return values.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _column(values: pa.Array) -> np.ndarray:
    return _numbers(values)[:, None]


def _matrix(name: str, lists: pa.ListArray, width: int) -> np.ndarray:
    """Return lists as numbers (n, width), NaN for NULL."""
    lengths = pc.unique(pc.drop_null(pc.list_value_length(lists))).to_pylist()
    if wrong := [length for length in lengths if length != width]:
        raise ModelError(f"optimize_song: {name} has {wrong[0]} numbers: give {width}")
    matrix = np.full((len(lists), width), np.nan)
    matrix[_is_valid(lists)] = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return matrix


def _judged(models: Models, judge_ids: pa.Array, rows: np.ndarray, songs: np.ndarray) -> np.ndarray:
    """Return the held-out evaluator's popularity of songs (n, k)."""
    lists = pa.FixedSizeListArray.from_arrays(pa.array(songs.ravel()), songs.shape[1])
    asked = judge_ids.take(pa.array(rows))
    scores = onnx_predict(
        models, pa.chunked_array([asked]), pa.chunked_array([lists.cast(NUMBERS)])
    )
    return pc.list_element(scores, 0).to_numpy(zero_copy_only=False)


def _structs(
    count: int, rows: np.ndarray, lists: list[np.ndarray], figures: list[np.ndarray]
) -> pa.StructArray:
    """Return a struct for each answered row, NULL for the others."""
    places = np.full(count, -1)
    places[rows] = np.arange(len(rows))
    parts = [
        pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1]).cast(NUMBERS)
        for values in lists
    ] + [pa.array(values, pa.float64()) for values in figures]
    answered = pa.StructArray.from_arrays(parts, fields=list(OPTIMIZATION))
    return answered.take(pa.array(places, mask=places < 0))
