"""Evaluation of next-song models on held-out playlists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models_py.bootstrap import bootstrap
from models_py.next_song import protocol
from models_py.next_song.beginnings import Beginnings, batches
from models_py.next_song.data import Playlists

Scores = Callable[[Beginnings], torch.Tensor]
# The length of a long list, in which a track can be found at all.
LONG = 200


@dataclass(frozen=True)
class Outcome:
    """The results of m questions.

    Attributes:
        values: for each metric, its value for each question, shape (m,).
        owners: index of the playlist of each question, shape (m,).
    """

    values: dict[str, NDArray[np.float64]]
    owners: NDArray[np.int64]

    def means(self) -> dict[str, float]:
        """Return the mean of each metric."""
        return {name: float(values.mean()) for name, values in self.values.items()}

    def error(self, name: str, beside: "Outcome | None" = None) -> float:
        """Return the bootstrap standard error of a metric's mean.

        With `beside`, an outcome of the same questions, return that of the mean difference.
        """
        values = self.values[name] - (beside.values[name] if beside else 0)
        return float(bootstrap(values, self.owners).std())


def seeds(playlists: Playlists, known: int, most: int | None = None) -> list[tuple[int, int]]:
    """Return questions with `known` tracks, about playlists that continue with a new track.

    Args:
        playlists: the playlists.
        known: number of known tracks.
        most: the largest number of questions; None for no limit.
    """
    places = [
        place
        for place, tracks in enumerate(playlists.tracks)
        if set(tracks[known:]) - set(tracks[:known])
    ]
    return [(place, known) for place in places[:most]]


@torch.no_grad()
def evaluate(
    scores: Scores, playlists: Playlists, asked: Sequence[tuple[int, int]], length: int, tracks: int
) -> Outcome:
    """Return the metrics of a model on questions.

    Args:
        scores: the model, from n beginnings to scores (n, tracks).
        playlists: the held-out playlists.
        asked: questions, see `protocol.questions`.
        length: how many of the last tracks the model sees.
        tracks: number of tracks.
    """
    found: dict[str, list[float]] = {}
    for known, rows in batches(playlists, asked, length, tracks):
        for (place, cut), row in zip(rows, scores(known).numpy(), strict=True):
            played, rest = playlists.tracks[place][:cut], playlists.tracks[place][cut:]
            right = rest[~np.isin(rest, played)]
            right = right[np.sort(np.unique(right, return_index=True)[1])]
            ranks = protocol.ranks(row, played, right)
            values = {name: float(metric(ranks[0])) for name, metric in protocol.METRICS.items()}
            values["recall_200"] = float(protocol.hit_rate(ranks[0], LONG))
            values |= {name: metric(ranks) for name, metric in protocol.LIST_METRICS.items()}
            for name, value in values.items():
                found.setdefault(name, []).append(value)
    return Outcome(
        {name: np.array(values) for name, values in found.items()},
        np.array([place for place, _ in asked], dtype=np.int64),
    )
