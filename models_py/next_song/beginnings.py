"""The known beginnings of playlists, in batches of tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from models_py.next_song.data import Playlists, last_tracks

BATCH = 64


@dataclass(frozen=True)
class Beginnings:
    """The known beginnings of n playlists.

    Attributes:
        barred: indices of tracks that are not recommended, shape (n, l), padded with the number of
            tracks: all played tracks and, when a model is served, excluded ones.
        recent: the last played tracks, shape (n, length), padded from the left.
        titles: indices of the title's words, shape (n, TITLE_WORDS), padded with the number of
            words.
        limit: added to all scores, shape (n, tracks + 1): 0, or very low for tracks that must not
            be recommended. None if all may be.
    """

    barred: torch.Tensor
    recent: torch.Tensor
    titles: torch.Tensor
    limit: torch.Tensor | None = None


def batches(
    playlists: Playlists, questions: Sequence[tuple[int, int]], length: int, none: int
) -> Iterator[tuple[Beginnings, Sequence[tuple[int, int]]]]:
    """Yield beginnings in batches, each with its questions (index of the playlist, tracks known).

    Args:
        playlists: the playlists.
        questions: index of the playlist and number of known tracks.
        length: width of `Beginnings.recent`.
        none: the index that pads, the number of tracks.
    """
    for start in range(0, len(questions), BATCH):
        rows = questions[start : start + BATCH]
        played = [playlists.tracks[place][:cut] for place, cut in rows]
        longest = max(length, *(cut for _, cut in rows))
        yield (
            Beginnings(
                torch.from_numpy(last_tracks(played, longest, none)),
                torch.from_numpy(last_tracks(played, length, none)),
                torch.from_numpy(playlists.titles[[place for place, _ in rows]]),
            ),
            rows,
        )
