"""The feature table of song optimization as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models_py.examples import MIN_ROWS, TrainingError, check_varies
from models_py.generated.tasks import INPUTS_OF
from models_py.song_optimization.protocol import PARTS, TASK, TEST
from models_py.tasks import TASKS

# The smallest test part: results on fewer songs mean nothing.
MIN_TESTED = 20


@dataclass(frozen=True)
class Songs:
    """The n songs of one part.

    Attributes:
        features: shape (n, k), float64 rounded to float32. The columns that may change are first.
        popularity: shape (n,), 0 to 100.
        artists: index of the first artist, shape (n,).
    """

    features: np.ndarray
    popularity: np.ndarray
    artists: np.ndarray

    def __len__(self) -> int:
        """Return the number of songs."""
        return len(self.popularity)

    def first(self, count: int) -> "Songs":
        """Return the first songs."""
        return Songs(self.features[:count], self.popularity[:count], self.artists[:count])


@dataclass(frozen=True)
class Data:
    """The names of the k inputs, and the songs of each part."""

    names: tuple[str, ...]
    parts: dict[str, Songs]


def read(table: pa.Table, genres: Sequence[str]) -> Data:
    """Return the feature table as arrays, sorted by its key.

    Args:
        table: track_id, artist, part, the inputs of the task in `inputs_of`, popularity.
        genres: the members of the one-hot group `genres`, in order.

    Raises:
        TrainingError: a part has too few songs, or all songs have the same popularity.
    """
    table = table.sort_by("track_id")
    *numbers, group = TASKS[INPUTS_OF[TASK]].inputs
    features = np.column_stack(
        [
            *(table[name].to_numpy() for name in numbers),
            pc.list_flatten(table[group]).to_numpy().reshape(-1, len(genres)),
        ]
    )
    features = features.astype(np.float32).astype(np.float64)
    artists = table["artist"].combine_chunks().dictionary_encode().indices.to_numpy()
    popularity, part = table["popularity"].to_numpy(), table["part"].to_numpy()
    parts = {
        name: Songs(features[part == name], popularity[part == name], artists[part == name])
        for name in PARTS
    }
    for name, songs in parts.items():
        needed = MIN_TESTED if name == TEST else MIN_ROWS
        if len(songs) < needed:
            raise TrainingError(
                f"task {TASK} has {len(songs)} songs in part {name} and needs {needed}: add songs "
                "of more artists"
            )
    check_varies(TASK, "popularity", popularity)
    return Data((*numbers, *(f"genres={genre}" for genre in genres)), parts)
