"""How models of the next song are measured: which questions are asked, and what an answer is worth.

Playlists of one fold are held out. Of each a beginning is known, and the track that comes next is
ranked among all tracks of the catalogue that the beginning does not have: never among a sample of
them, which flatters (Krichene and Rendle, On Sampled Metrics for Item Recommendation, KDD 2020).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

TASK = "next_song"
Tracks = Sequence[int] | NDArray[np.int64]
# What a model takes, in the order of the functions.
INPUTS = {"track_uris": "varchar[]", "title_words": "varchar[]"}
FOLDS, HOLDOUT = 5, 0
# A beginning has so many tracks at least; of a playlist so many are asked at most.
SHORTEST, QUESTIONS = 3, 15
# When this many are asked, no further playlist is.
MOST = 10_000
# What makes an answer comparable with another, beside the folds: the tracks of a playlist decide
# its fold, and these which questions are asked.
DEFINITION = {
    "split": "tracks",
    "shortest": str(SHORTEST),
    "questions": str(QUESTIONS),
    "most": str(MOST),
}
# Pages of ten that a person turns at most, and how many tracks are known when titles are asked
# too, both as in the RecSys Challenge 2018.
PAGE, PAGES = 10, 51
SEEDS = (0, 1, 5, 10, 25, 100)


def fold(track_uris: Iterable[str], folds: int = FOLDS) -> int:
    """Return the fold of a playlist, as the model int_playlists does.

    Its tracks decide: a copy of it stands on the same side of the split.
    """
    key = " ".join(track_uris) + "|0"
    return int(hashlib.md5(key.encode()).hexdigest()[:8], 16) % folds


def cuts(tracks: Tracks) -> list[int]:
    """Return how many tracks are known in each question that is asked of a playlist.

    They lie evenly between SHORTEST and the last track but one; a track that the beginning has
    already is no question, for what was played is never offered again.
    """
    if len(tracks) <= SHORTEST:
        return []
    spread = np.linspace(SHORTEST, len(tracks) - 1, QUESTIONS).round().astype(int)
    return [int(cut) for cut in np.unique(spread) if tracks[cut] not in set(tracks[:cut])]


def questions(playlists: Sequence[Tracks]) -> list[tuple[int, int]]:
    """Return (place of the playlist, tracks known) of what is asked of held-out playlists."""
    found: list[tuple[int, int]] = []
    for place, tracks in enumerate(playlists):
        if len(found) >= MOST:
            break
        found += [(place, cut) for cut in cuts(tracks)]
    return found


def ranks(
    scores: NDArray, played: NDArray[np.int64], asked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the ranks of tracks by their scores, from 1, among all that were not played.

    Tracks of one score share the middle of their ranks, so that a model gains nothing by a tie.

    Args:
        scores: of every track, the higher the likelier.
        played: indices of the tracks that are known.
        asked: indices of the tracks that came (m); none of them was played.
    """
    is_new = np.ones(len(scores), dtype=bool)
    is_new[played] = False
    order = np.sort(scores[is_new])
    below = np.searchsorted(order, scores[asked], side="left")
    not_above = np.searchsorted(order, scores[asked], side="right")
    return len(order) + 1 - (below + not_above + 1) / 2


def hit_rate(rank: NDArray[np.float64], first: int = 10) -> NDArray[np.float64]:
    """Return for each question 1 where the track is among the first, else 0."""
    return (rank <= first).astype(float)


def ndcg(rank: NDArray[np.float64], first: int = 10) -> NDArray[np.float64]:
    """Return for each question 1 / log2(1 + rank) where the track is among the first, else 0."""
    return np.where(rank <= first, 1 / np.log2(1 + rank), 0.0)


def reciprocal_rank(rank: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / rank for each question."""
    return 1 / rank


# Of the rank of the next track.
METRICS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "hit_rate_10": hit_rate,
    "ndcg_10": ndcg,
    "mrr": reciprocal_rank,
}


def r_precision(rank: NDArray[np.float64]) -> float:
    """Return the share of the tracks that came (m) that are among the first m."""
    return float((rank <= len(rank)).mean())


def clicks(rank: NDArray[np.float64]) -> float:
    """Return how many pages of ten a person turns before a track that came is seen."""
    return float(min((rank.min() - 1) // PAGE, PAGES))


def list_ndcg(rank: NDArray[np.float64]) -> float:
    """Return the NDCG of a list as long as what came, all of which are equally right."""
    ideal = (1 / np.log2(np.arange(len(rank)) + 2)).sum()
    return float(ndcg(rank, len(rank)).sum() / ideal)


# Of the ranks of all tracks that came.
LIST_METRICS = {"r_precision": r_precision, "clicks": clicks, "list_ndcg": list_ndcg}
