"""The protocol of the RecSys Challenge 2018 on held-out playlists.

A model gets a title, some tracks, or both, and recommends 500 tracks. They are compared with the
withheld tracks, which are all others of the playlist. There are ten categories of what is known.
R-precision is that of Zamani, Schedl, Lamere and Chen, An Analysis of Approaches Taken in the ACM
RecSys Challenge 2018 (ACM TIST 2019); NDCG and clicks are those of the organizers' script. Unlike
there, tracks outside of the model's catalog are not withheld tracks, see the variable
`next_song_tracks`, and a category has all held-out playlists that are long enough, up to 1,000.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models_py.next_song.beginnings import batches
from models_py.next_song.data import Data, Playlists
from models_py.next_song.evaluation import Scores
from models_py.next_song.net import NEVER

# The length of a list; so many tracks are shown on a page.
LENGTH, PAGE = 500, 10
# The score of an artist match, in tracks.
ARTIST_MATCH = 0.25
# The largest number of playlists in a category, as in the challenge.
MOST = 1_000
METRICS = ("r_precision", "ndcg", "clicks")
MEAN = "mean of all"


@dataclass(frozen=True)
class Category:
    """What is known of a playlist: the first or random tracks, and perhaps the title."""

    tracks: int
    has_title: bool
    is_random: bool = False

    @property
    def name(self) -> str:
        """A short description."""
        kind = "random" if self.is_random else "first"
        tracks = f"{kind} {self.tracks}" if self.tracks else ""
        return " and ".join(filter(None, ["title" if self.has_title else "", tracks]))


CATEGORIES = (
    Category(0, has_title=True),
    Category(1, has_title=True),
    Category(5, has_title=True),
    Category(5, has_title=False),
    Category(10, has_title=True),
    Category(10, has_title=False),
    Category(25, has_title=True),
    Category(25, has_title=True, is_random=True),
    Category(100, has_title=True),
    Category(100, has_title=True, is_random=True),
)


def r_precision(
    offered: Sequence[int], withheld: Sequence[int], artists: NDArray[np.int64]
) -> float:
    """Return the share of the m withheld tracks in the first m offered ones, with artist matches.

    An artist in both adds a quarter of a track, so 1.25 is possible.

    Args:
        offered: different tracks, the best first.
        withheld: different tracks.
        artists: the artist of each track of the catalog.
    """
    first = offered[: len(withheld)]
    tracks = set(first) & set(withheld)
    matched = set(artists[list(first)]) & set(artists[list(withheld)])
    return (len(tracks) + ARTIST_MATCH * len(matched)) / len(withheld)


def ndcg(offered: Sequence[int], withheld: Sequence[int]) -> float:
    """Return the DCG of the withheld tracks among the offered ones, divided by the best one."""
    gains = 1 / np.log2(np.arange(LENGTH) + 2)
    is_right = np.isin(offered, withheld)
    return float(gains[: len(offered)][is_right].sum() / gains[: len(withheld)].sum())


def clicks(offered: Sequence[int], withheld: Sequence[int]) -> int:
    """Return how many pages are turned until a withheld track is seen; 51 if none is offered."""
    places = np.flatnonzero(np.isin(offered, withheld))
    return int(places[0]) // PAGE if len(places) else LENGTH // PAGE + 1


def run(data: Data, models: Mapping[str, Scores], length: int) -> list[dict]:
    """Return the metrics of models in each category, and the means of the categories.

    Args:
        data: the held-out playlists; those that are long enough are in a category.
        models: from beginnings to scores (n, tracks).
        length: how many of the last tracks the models see.
    """
    found: list[dict] = []
    for category in CATEGORIES:
        questions = _questions(data, category)
        if not len(questions.playlists):
            continue
        for name, scores in models.items():
            values = list(_measured(data, scores, questions, length))
            found.append(
                {"known": category.name, "model": name, "playlists": len(values)} | _means(values)
            )
    for name in models:
        rows = [row for row in found if row["model"] == name]
        found.append({"known": MEAN, "model": name, "playlists": None} | _means(rows))
    return found


@dataclass(frozen=True)
class Questions:
    """Playlists that begin with the known tracks, and how many tracks are known."""

    playlists: Playlists
    known: int


def _questions(data: Data, category: Category) -> Questions:
    """Return playlists of a category; random known tracks are moved to the beginning."""
    none = len(data.catalog.words)
    rng = np.random.default_rng(0)
    tracks: list[NDArray[np.int64]] = []
    titles: list[NDArray[np.int64]] = []
    for played, title in zip(data.held_out.tracks, data.held_out.titles, strict=True):
        different = played[np.sort(np.unique(played, return_index=True)[1])]
        if len(different) <= category.tracks or len(tracks) == MOST:
            continue
        if category.is_random:
            known = np.sort(rng.permutation(len(different))[: category.tracks])
            rest = np.setdiff1d(np.arange(len(different)), known)
            different = different[np.concatenate([known, rest])]
        tracks.append(different)
        titles.append(title if category.has_title else np.full_like(title, none))
    width = data.held_out.titles.shape[1]
    return Questions(Playlists(tracks, np.array(titles).reshape(-1, width)), category.tracks)


@torch.no_grad()
def _measured(
    data: Data, scores: Scores, questions: Questions, length: int
) -> Iterator[dict[str, float]]:
    count, asked = len(data.catalog), questions.playlists
    rows = [(place, questions.known) for place in range(len(asked))]
    for known, part in batches(asked, rows, length, count):
        padded = torch.nn.functional.pad(scores(known), (0, 1), value=NEVER)
        best = padded.scatter(1, known.barred, 2 * NEVER).topk(min(LENGTH, count)).indices
        for (place, cut), offered in zip(part, best.tolist(), strict=True):
            played = set(asked.tracks[place][:cut].tolist())
            kept = [track for track in offered if track < count and track not in played]
            withheld = asked.tracks[place][cut:].tolist()
            yield {
                "r_precision": r_precision(kept, withheld, data.catalog.artist),
                "ndcg": ndcg(kept, withheld),
                "clicks": clicks(kept, withheld),
            }


def _means(rows: list[dict]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in METRICS}
