"""Baselines of next-song recommendation that are measured only: popularity, VS-KNN and EASE.

The rules that can be champions are in `models_py.next_song.rules`.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import torch

from models_py.next_song.beginnings import Beginnings
from models_py.next_song.data import Playlists, plays


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
        found = np.empty((len(known.barred), tracks))
        for row, played in enumerate(known.barred.numpy()):
            played = played[played < tracks]
            weights = np.arange(1, len(played) + 1) / max(len(played), 1) * rarity[played]
            similar = weights @ by_track[played] if len(played) else np.zeros(len(playlists))
            nearest = np.argpartition(-similar, min(neighbors, len(similar) - 1))[:neighbors]
            found[row] = similar[nearest] @ cells[nearest]
        return torch.from_numpy(found + popularity * 1e-9)

    return scores


def by_ease(
    playlists: Playlists, tracks: int, penalty: float = 100
) -> Callable[[Beginnings], torch.Tensor]:
    """Return the scores of EASE (Steck 2019): a linear model from all tracks to each other track.

    Its weights need the inverse of a matrix of tracks by tracks. By the Woodbury identity, one of
    playlists by playlists is enough; memory grows with playlists times tracks.

    Args:
        playlists: the playlists to learn from.
        tracks: number of tracks.
        penalty: of the squared weights.
    """
    rows = np.repeat(np.arange(len(playlists)), [len(found) for found in playlists.tracks])
    cells = np.zeros((len(playlists), tracks), dtype=np.float32)
    cells[rows, np.concatenate(playlists.tracks)] = 1
    inverse = np.linalg.inv(cells @ cells.T + penalty * np.eye(len(playlists)))
    solved = inverse.astype(np.float32) @ cells
    # The inverse of cells' cells + penalty is (1 - cells' solved) / penalty.
    diagonal = 1 - (cells * solved).sum(axis=0)

    def scores(known: Beginnings) -> torch.Tensor:
        found = np.empty((len(known.barred), tracks), dtype=np.float32)
        for row, played in enumerate(known.barred.numpy()):
            # The weights of a track to itself are 0, but played tracks are masked anyway.
            found[row] = cells[:, np.unique(played[played < tracks])].sum(axis=1) @ solved
        return torch.from_numpy(found / diagonal)

    return scores
