"""Baselines of next-song recommendation: popularity, item-to-item rules, nearest playlists.

A rule is a table of weights from track to track. It ranks the tracks by the sum of the weights from
the last tracks of a playlist, and ties by popularity.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models_py.next_song.beginnings import Beginnings
from models_py.next_song.data import Playlists, plays
from models_py.next_song.edges import Edges, Neighbors, strongest

# For each rule the weight of an edge, and how many of the last tracks it uses.
Weigh = Callable[[Edges, NDArray], NDArray]
RULES: dict[str, tuple[Weigh, int]] = {
    "markov": (lambda edges, plays: edges.weights[:, 0], 1),
    "rules": (lambda edges, plays: edges.weights[:, 1], 1),
    "item_knn": (
        lambda edges, plays: (
            edges.weights[:, 2] / np.sqrt(np.maximum(plays[edges.track] * plays[edges.neighbor], 1))
        ),
        10,
    ),
}


class Rule(nn.Module):
    """A table of item-to-item weights, with the interface of `Ranker`."""

    neighbor: torch.Tensor
    weight: torch.Tensor
    popularity: torch.Tensor

    def __init__(self, neighbors: Neighbors, plays: NDArray, last: int):
        """Keep the table.

        Args:
            neighbors: the weights; only the first of each neighbor is used.
            plays: how often each track is played, shape (tracks,).
            last: how many of the last tracks are used.
        """
        super().__init__()
        self.tracks, self.last = len(plays), last
        self.offers = self.tracks
        self.register_buffer("neighbor", torch.from_numpy(neighbors.tracks))
        self.register_buffer("weight", torch.from_numpy(neighbors.weights[..., 0]))
        # Smaller than any weight, so it only breaks ties.
        popularity = torch.from_numpy(plays / max(plays.sum(), 1) * 1e-3).float()
        self.register_buffer("popularity", popularity)

    def scores(self, known: Beginnings) -> torch.Tensor:
        """Return the score of each track (n, tracks)."""
        recent = known.recent[:, -self.last :]
        nothing = torch.zeros(recent.shape[0], self.tracks + 1)
        reached = self.neighbor[recent].long().flatten(1)
        found = nothing.scatter_add(1, reached, self.weight[recent].flatten(1))
        return found[:, :-1] + self.popularity

    def answer(
        self, known: Beginnings, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return all tracks (n, tracks), their shares of the score, and those of `asked` (n, 1)."""
        scores = functional.pad(self.scores(known), (0, 1)).scatter(1, known.played, 0.0)
        shares = scores / scores.sum(dim=1, keepdim=True).clamp(min=1e-30)
        tracks = torch.arange(self.tracks).expand(scores.shape[0], -1)
        return tracks, shares[:, :-1], shares.gather(1, asked)


def rule(name: str, edges: Edges, played: NDArray) -> Rule:
    """Return a rule of RULES with the strongest edges of each track.

    Args:
        name: a key of RULES.
        edges: the edges.
        played: how often each track is played, shape (tracks,).
    """
    weigh, last = RULES[name]
    weights = weigh(edges, played)
    found = strongest(edges, len(played), weights, weights[:, None])
    return Rule(found, played, last)


def by_popularity(playlists: Playlists, tracks: int) -> Callable[[Beginnings], torch.Tensor]:
    """Return a function that scores each track by how often it is played."""
    played = torch.from_numpy(plays(playlists, tracks)).float()
    return lambda known: played.expand(len(known.recent), -1)


def by_sessions(
    playlists: Playlists, tracks: int, neighbors: int = 100
) -> Callable[[Beginnings], torch.Tensor]:
    """Return the scores of VS-KNN (Ludewig and Jannach 2018): the tracks of similar playlists.

    The similarity of a playlist is the sum over the shared tracks of their rarity (IDF), weighted
    by their position, so that later tracks count more.

    Args:
        playlists: the playlists to learn from.
        tracks: number of tracks.
        neighbors: how many of the most similar playlists are used.
    """
    rows = np.repeat(np.arange(len(playlists)), [len(found) for found in playlists.tracks])
    cells = sp.csr_matrix(
        (np.ones(len(rows)), (rows, np.concatenate(playlists.tracks))), (len(playlists), tracks)
    )
    cells.data[:] = 1
    by_track = cells.T.tocsr()
    popularity = np.asarray(cells.sum(axis=0)).ravel()
    rarity = np.log(len(playlists) / (1 + popularity))

    def scores(known: Beginnings) -> torch.Tensor:
        found = np.empty((len(known.played), tracks))
        for row, played in enumerate(known.played.numpy()):
            played = played[played < tracks]
            weights = np.arange(1, len(played) + 1) / max(len(played), 1) * rarity[played]
            similar = weights @ by_track[played] if len(played) else np.zeros(len(playlists))
            nearest = np.argpartition(-similar, min(neighbors, len(similar) - 1))[:neighbors]
            found[row] = similar[nearest] @ cells[nearest]
        return torch.from_numpy(found + popularity * 1e-9)

    return scores
