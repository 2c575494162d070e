"""Rules for the next song, as candidates of the registry: item-to-item tables and artists.

A rule scores each track from the last tracks of a playlist. Ties are ranked by popularity.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models_py.next_song.beginnings import Beginnings
from models_py.next_song.data import Data, plays
from models_py.next_song.edges import Edges, Neighbors, half, strongest

# For each table of weights from track to track, the weight of an edge, and how many of the last
# tracks it uses.
Weigh = Callable[[Edges, NDArray], NDArray]
TABLES: dict[str, tuple[Weigh, int]] = {
    "markov": (lambda edges, plays: edges.weights[:, 0], 1),
    "rules": (lambda edges, plays: edges.weights[:, 1], 1),
    "item_knn": (
        lambda edges, plays: (
            edges.weights[:, 2] / np.sqrt(np.maximum(plays[edges.track] * plays[edges.neighbor], 1))
        ),
        10,
    ),
}
LATEST_ARTIST = "latest_artist"
RULES = (*TABLES, LATEST_ARTIST)
# How many of the last tracks the rule of the latest artist uses.
ARTISTS_OF = 30


class Rule(nn.Module):
    """A score of each track, with the interface of `Ranker`."""

    popularity: torch.Tensor

    def __init__(self, plays: NDArray, last: int):
        """Keep the popularity.

        Args:
            plays: how often each track is played, shape (tracks,).
            last: how many of the last tracks are used.
        """
        super().__init__()
        self.tracks, self.last = len(plays), last
        self.offers = self.tracks
        # Smaller than any weight, so it only breaks ties.
        popularity = torch.from_numpy(plays / max(plays.sum(), 1) * 1e-3).float()
        self.register_buffer("popularity", popularity)

    def weights(self, recent: torch.Tensor) -> torch.Tensor:
        """Return the weight of each track (n, tracks), from the last tracks (n, last)."""
        raise NotImplementedError

    def scores(self, known: Beginnings) -> torch.Tensor:
        """Return the score of each track (n, tracks)."""
        return self.weights(known.recent[:, -self.last :]) + self.popularity

    def answer(
        self, known: Beginnings, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return all tracks (n, tracks), their shares of the score, and those of `asked` (n, 1).

        A track that must not be recommended has the share -1.
        """
        scores = functional.pad(self.scores(known), (0, 1))
        barred = torch.zeros_like(scores).scatter(1, known.barred, -1.0)
        if known.limit is not None:
            barred = barred + known.limit
        scores = torch.where(barred < 0, 0.0, scores)
        shares = scores / scores.sum(dim=1, keepdim=True).clamp(min=1e-30)
        tracks = torch.arange(self.tracks).expand(scores.shape[0], -1)
        offered = torch.where(barred < 0, -1.0, shares)
        return tracks, offered[:, :-1], shares.gather(1, asked)


class TableRule(Rule):
    """The sum of the weights from the last tracks."""

    neighbor: torch.Tensor
    weight: torch.Tensor

    def __init__(self, neighbors: Neighbors, plays: NDArray, last: int):
        """Keep the table; only the first weight of each neighbor is used. See also `Rule`."""
        super().__init__(plays, last)
        self.register_buffer("neighbor", torch.from_numpy(neighbors.tracks))
        self.register_buffer("weight", half(neighbors.weights[..., 0]))

    def weights(self, recent: torch.Tensor) -> torch.Tensor:
        """Return the weight of each track (n, tracks), from the last tracks (n, last)."""
        nothing = torch.zeros(recent.shape[0], self.tracks + 1)
        reached = self.neighbor[recent].long().flatten(1)
        return nothing.scatter_add(1, reached, self.weight[recent].float().flatten(1))[:, :-1]


class LatestArtistRule(Rule):
    """Tracks by the artists of the last tracks, the latest artist first."""

    artist: torch.Tensor

    def __init__(self, artist: NDArray[np.int64], plays: NDArray):
        """Keep the index of each track's artist, shape (tracks,). See also `Rule`."""
        super().__init__(plays, ARTISTS_OF)
        self.register_buffer("artist", torch.from_numpy(np.append(artist, artist.max() + 1)))

    def weights(self, recent: torch.Tensor) -> torch.Tensor:
        """Return the place of the artist's last track, 1 for the last place; 0 for others."""
        places = torch.arange(1.0, recent.shape[1] + 1) / recent.shape[1]
        places = places * (recent < self.tracks)
        latest = torch.zeros(recent.shape[0], self.tracks + 1).scatter_reduce(
            1, self.artist[recent], places, "amax"
        )
        return latest[:, self.artist[:-1]]


def rule(name: str, data: Data) -> Rule:
    """Return a rule of RULES, from the known playlists; tables keep the strongest neighbors."""
    tracks = len(data.catalog)
    played = plays(data.known, tracks)
    if name == LATEST_ARTIST:
        return LatestArtistRule(data.catalog.artist, played)
    weigh, last = TABLES[name]
    weights = weigh(data.edges, played)
    return TableRule(strongest(data.edges, tracks, weights, weights[:, None]), played, last)
