"""The evaluation protocol of next-song models: the questions and the metrics.

The playlists of one fold are held out. The model gets the beginning of a held-out playlist and
ranks all tracks of the catalog that are not in it; the rank of the next track is measured. Ranking
among a sample of tracks would overestimate the metrics (Krichene and Rendle, On Sampled Metrics for
Item Recommendation, KDD 2020).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

TASK = "next_song"
Tracks = Sequence[int] | NDArray[np.int64]
# The inputs of a model, in the order of the function's arguments.
INPUTS = {"track_uris": "varchar[]", "title_words": "varchar[]"}
FOLDS, HOLDOUT = 5, 0
# The smallest number of known tracks, and the largest number of questions about a playlist.
SHORTEST, QUESTIONS = 3, 15
# After so many questions, no further playlist is used.
MOST = 10_000
# Metrics are comparable only if the questions are the same. These settings decide about them:
# the tracks of a playlist decide its fold, the others which questions are asked.
DEFINITION = {
    "split": "tracks",
    "shortest": str(SHORTEST),
    "questions": str(QUESTIONS),
    "most": str(MOST),
}
# As in the RecSys Challenge 2018: tracks on a page, the largest number of page turns, and the
# numbers of known tracks; with 0 only the title is known.
PAGE, PAGES = 10, 51
SEEDS = (0, 1, 5, 10, 25, 100)


def fold(track_uris: Iterable[str], folds: int = FOLDS, salt: str = "0") -> int:
    """Return the fold of a playlist, as the dbt model int_playlists does.

    It is a hash of the tracks, so copies of a playlist are in the same fold.

    Args:
        track_uris: the tracks of the playlist, in order.
        folds: number of folds.
        salt: other salts give other splits.
    """
    key = " ".join(track_uris) + f"|{salt}"
    return int(hashlib.md5(key.encode()).hexdigest()[:8], 16) % folds


def cuts(tracks: Tracks) -> list[int]:
    """Return the number of known tracks in each question about a playlist.

    The numbers are evenly spaced from SHORTEST to all tracks but the last. There is no question
    if the next track is already in the beginning, because played tracks are not recommended.
    """
    if len(tracks) <= SHORTEST:
        return []
    spread = np.linspace(SHORTEST, len(tracks) - 1, QUESTIONS).round().astype(int)
    return [int(cut) for cut in np.unique(spread) if tracks[cut] not in set(tracks[:cut])]


def questions(playlists: Sequence[Tracks]) -> list[tuple[int, int]]:
    """Return the questions about held-out playlists: (index of the playlist, tracks known)."""
    found: list[tuple[int, int]] = []
    for place, tracks in enumerate(playlists):
        if len(found) >= MOST:
            break
        found += [(place, cut) for cut in cuts(tracks)]
    return found


def ranks(
    scores: NDArray, played: NDArray[np.int64], asked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the ranks (m,) of tracks by score, from 1, among all tracks that were not played.

    Tied tracks share their mean rank, so that a model gains nothing from ties.

    Args:
        scores: score of each track, shape (tracks,); higher is better.
        played: indices of the known tracks.
        asked: indices of the tracks to rank, shape (m,); none of them was played.
    """
    is_new = np.ones(len(scores), dtype=bool)
    is_new[played] = False
    order = np.sort(scores[is_new])
    below = np.searchsorted(order, scores[asked], side="left")
    not_above = np.searchsorted(order, scores[asked], side="right")
    return len(order) + 1 - (below + not_above + 1) / 2


def hit_rate(rank: NDArray[np.float64], first: int = 10) -> NDArray[np.float64]:
    """Return for each question 1 if the track is among the first, else 0."""
    return (rank <= first).astype(float)


def ndcg(rank: NDArray[np.float64], first: int = 10) -> NDArray[np.float64]:
    """Return for each question 1 / log2(1 + rank) if the track is among the first, else 0."""
    return np.where(rank <= first, 1 / np.log2(1 + rank), 0.0)


def reciprocal_rank(rank: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / rank for each question."""
    return 1 / rank


# Metrics of the rank of the next track.
METRICS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "hit_rate_10": hit_rate,
    "ndcg_10": ndcg,
    "mrr": reciprocal_rank,
}


def r_precision(rank: NDArray[np.float64]) -> float:
    """Return the share of the m remaining tracks that are among the first m."""
    return float((rank <= len(rank)).mean())


def clicks(rank: NDArray[np.float64]) -> float:
    """Return how many pages of ten a listener turns until one of the remaining tracks is shown."""
    return float(min((rank.min() - 1) // PAGE, PAGES))


def list_ndcg(rank: NDArray[np.float64]) -> float:
    """Return the NDCG at m, where each of the m remaining tracks is equally relevant."""
    ideal = (1 / np.log2(np.arange(len(rank)) + 2)).sum()
    return float(ndcg(rank, len(rank)).sum() / ideal)


# Metrics of the ranks of all remaining tracks.
LIST_METRICS = {"r_precision": r_precision, "clicks": clicks, "list_ndcg": list_ndcg}
