"""What is known of a playlist when its next song is asked for, in batches of tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from models_py.next_song.data import Playlists, ends

BATCH = 64


@dataclass(frozen=True)
class Beginnings:
    """What is known of playlists (n).

    Attributes:
        played: indices of all tracks that were played (n, l), the number of tracks where none.
        recent: the last of them (n, length), filled from the left.
        titles: indices of the words (n, TITLE_WORDS), the number of words where none.
    """

    played: torch.Tensor
    recent: torch.Tensor
    titles: torch.Tensor


def batches(
    playlists: Playlists, questions: Sequence[tuple[int, int]], length: int, none: int
) -> Iterator[tuple[Beginnings, Sequence[tuple[int, int]]]]:
    """Yield beginnings, and the questions that they are of: (playlist, tracks known)."""
    for start in range(0, len(questions), BATCH):
        rows = questions[start : start + BATCH]
        played = [playlists.tracks[place][:cut] for place, cut in rows]
        longest = max(length, *(cut for _, cut in rows))
        yield (
            Beginnings(
                torch.from_numpy(ends(played, longest, none)),
                torch.from_numpy(ends(played, length, none)),
                torch.from_numpy(playlists.titles[[place for place, _ in rows]]),
            ),
            rows,
        )
