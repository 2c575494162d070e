"""How models of the next song are measured: which questions are asked, and what an answer is worth.

Playlists of one fold are held out. Of each a beginning is known, and the track that comes next is
ranked among all tracks of the catalogue that the beginning does not have: never among a sample of
them, which flatters (Krichene and Rendle, On Sampled Metrics for Item Recommendation, KDD 2020).
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS, HOLDOUT = 5, 0
# A beginning has so many tracks at least; of a playlist so many are asked at most.
SHORTEST, QUESTIONS = 3, 15


def fold(playlist_id: int, folds: int = FOLDS) -> int:
    """Return the fold of a playlist, as the SQL macro `fold` does."""
    return int(hashlib.md5(f"{playlist_id}|0".encode()).hexdigest()[:8], 16) % folds


def cuts(tracks: Sequence[int]) -> list[int]:
    """Return how many tracks are known in each question that is asked of a playlist.

    They lie evenly between SHORTEST and the last track but one; a track that the beginning has
    already is no question, for what was played is never offered again.
    """
    if len(tracks) <= SHORTEST:
        return []
    spread = np.linspace(SHORTEST, len(tracks) - 1, QUESTIONS).round().astype(int)
    return [int(cut) for cut in np.unique(spread) if tracks[cut] not in set(tracks[:cut])]


def rank(scores: NDArray, played: NDArray[np.int64], track: int) -> float:
    """Return the rank of a track by its score, from 1, among all that were not played.

    Tracks of one score share the middle of their ranks, so that a model gains nothing by a tie.

    Args:
        scores: of every track, the higher the likelier.
        played: indices of the tracks that are known.
        track: index of the track that came.
    """
    own = scores[track]
    above, equal = scores > own, scores == own
    return 1 + (above.sum() - above[played].sum()) + (equal.sum() - equal[played].sum() - 1) / 2


def hit_rate(ranks: NDArray[np.float64], first: int = 10) -> NDArray[np.float64]:
    """Return for each question 1 where the track is among the first, else 0."""
    return (ranks <= first).astype(float)


def ndcg(ranks: NDArray[np.float64], first: int = 10) -> NDArray[np.float64]:
    """Return for each question 1 / log2(1 + rank) where the track is among the first, else 0."""
    return np.where(ranks <= first, 1 / np.log2(1 + ranks), 0.0)


def reciprocal_rank(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / rank for each question."""
    return 1 / ranks


METRICS = {"hit_rate_10": hit_rate, "ndcg_10": ndcg, "mrr": reciprocal_rank}
