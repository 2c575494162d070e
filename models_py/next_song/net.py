"""A sequence net in PyTorch: the last tracks of a playlist, and its title, to what may come next.

A track is the sum of an embedding of its own and of what is known of it: artist, album, sound. A
track that no playlist of the training has is what is known of it alone, so it can be offered too.
The title stands before the tracks as one more of them, the mean of its words. Causal self-attention
(Kang and McAuley 2018), with a bias by distance in the place of positions, gives a direction; its
cosine with each track, times a learned scale, is the track's score. Trained by cross-entropy
against tracks drawn by their frequency, corrected for how often each is drawn (Yi et al. 2019).
"""

import copy
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models_py.next_song.data import Catalogue, Playlists, ends, plays

log = logging.getLogger("models_py.next_song")
NEVER = -1e9
# Tracks of a playlist's beginning that its title has to lead to, in a step.
FROM_TITLE = 8


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a net.

    Attributes:
        size: numbers of an embedding.
        heads: heads of the attention.
        length: how many of the last tracks it sees.
        epochs: passes over the playlists.
        sequences: how many of an epoch, at most; where there are more, each epoch draws others.
        batch_size: sequences of a step.
        learning_rate: the peak of a one-cycle schedule.
        negatives: tracks drawn for a step, to tell the right ones from.
        left_out: how often the embedding of a track's own is left out, as it is for a new track.
        random_state: of initial weights, order and draws.
    """

    size: int = 64
    heads: int = 4
    length: int = 30
    epochs: int = 6
    sequences: int = 20_000
    batch_size: int = 64
    learning_rate: float = 4e-3
    negatives: int = 2_048
    left_out: float = 0.25
    random_state: int = 0


class Attention(nn.Module):
    """Where the title and the tracks of a playlist lead, from their embeddings."""

    back: torch.Tensor
    later: torch.Tensor

    def __init__(self, size: int, heads: int, length: int):
        """Begin with small random weights."""
        super().__init__()
        self.heads, self.length = heads, length
        # By how much a head looks at what lies so many places back; the last one is the title.
        self.distance = nn.Parameter(torch.zeros(heads, length + 1))
        places = torch.arange(length + 1)
        back = (places[:, None] - places).clamp(min=0)
        back[:, 0] = length
        later = torch.triu(torch.full((length + 1, length + 1), NEVER), diagonal=1)
        self.register_buffer("back", back)
        self.register_buffer("later", later)
        self.before = nn.LayerNorm(size)
        self.query, self.key, self.value, self.out = (nn.Linear(size, size) for _ in range(4))
        self.feed = nn.Sequential(
            nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size)
        )
        self.after = nn.LayerNorm(size)

    def forward(
        self, embedded: torch.Tensor, is_track: torch.Tensor, titled: torch.Tensor
    ) -> torch.Tensor:
        """Return unit vectors (n, length + 1, size), the first of the title alone.

        Args:
            embedded: embeddings of the tracks (n, length, size).
            is_track: False where there is no track (n, length).
            titled: embeddings of the titles (n, size).
        """
        embedded = torch.cat([titled[:, None], embedded], dim=1)
        is_there = torch.cat([torch.ones_like(is_track[:, :1]), is_track], dim=1)
        hidden = self.before(embedded)
        query, key, value = (
            part(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        looked = query @ key.transpose(2, 3) / key.shape[-1] ** 0.5
        looked = looked + self.distance[:, self.back] + self.later
        looked = looked + (1 - is_there.float())[:, None, None, :] * NEVER
        attended = (looked.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        hidden = embedded + self.out(attended)
        return functional.normalize(self.after(hidden + self.feed(hidden)), dim=-1)


class SequenceNet(nn.Module):
    """See the module. Index `tracks` (n) stands for no track and fills sequences from the left."""

    artist: torch.Tensor
    album: torch.Tensor
    sound: torch.Tensor

    def __init__(self, catalogue: Catalogue, settings: Settings):
        """Begin with small random embeddings."""
        super().__init__()
        self.settings, self.tracks, self.words = settings, len(catalogue), len(catalogue.words)
        size = settings.size
        self.register_buffer("artist", _with_none(catalogue.artist))
        self.register_buffer("album", _with_none(catalogue.album))
        sound = np.column_stack([catalogue.sound, catalogue.has_sound]).astype(np.float32)
        self.register_buffer(
            "sound", torch.from_numpy(np.vstack([sound, np.zeros_like(sound[:1])]))
        )
        # A row more for no track, no artist, no album and no word.
        self.own, self.of_artist, self.of_album = (
            nn.Embedding(count + 1, size, sparse=True)
            for count in (self.tracks, int(self.artist.max()), int(self.album.max()))
        )
        self.of_sound = nn.Linear(sound.shape[1], size, bias=False)
        self.of_word = nn.Embedding(self.words + 1, size)
        self.start = nn.Parameter(torch.empty(size))
        self.attention = Attention(size, settings.heads, settings.length)
        self.scale = nn.Parameter(torch.tensor(8.0))
        self.bias = nn.Embedding(self.tracks + 1, 1, sparse=True)
        for weight in (self.own.weight, self.of_artist.weight, self.of_album.weight, self.start):
            nn.init.normal_(weight, std=0.05)
        for weight in (self.bias.weight, self.of_word.weight):
            nn.init.zeros_(weight)

    def embedded(self, tracks: torch.Tensor, keeps_own: torch.Tensor | None = None) -> torch.Tensor:
        """Return the embeddings (..., size) of tracks (...)."""
        own = self.own(tracks)
        if keeps_own is not None:
            own = own * keeps_own[tracks][..., None]
        known = self.of_artist(self.artist[tracks]) + self.of_album(self.album[tracks])
        return own + known + self.of_sound(self.sound[tracks])

    def titled(self, titles: torch.Tensor) -> torch.Tensor:
        """Return the embeddings (n, size) of titles (n, words)."""
        is_word = (titles < self.words).float()[..., None]
        count = is_word.sum(dim=1).clamp(min=1)
        return self.start + (self.of_word(titles) * is_word).sum(dim=1) / count

    def vectors(self, tracks: torch.Tensor, keeps_own: torch.Tensor | None = None) -> torch.Tensor:
        """Return the unit vectors (..., size) of tracks (...)."""
        return functional.normalize(self.embedded(tracks, keeps_own), dim=-1)


def without(net: SequenceNet, is_new: NDArray[np.bool_]) -> SequenceNet:
    """Return a copy of a net that never saw some tracks (n): of these it knows what they are of."""
    found = copy.deepcopy(net)
    with torch.no_grad():
        for weight in (found.own.weight, found.bias.weight):
            weight[:-1][torch.from_numpy(is_new)] = 0
    return found.eval()


def _with_none(index: NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(np.append(index, index.max() + 1))


def train(catalogue: Catalogue, playlists: Playlists, settings: Settings) -> SequenceNet:
    """Train a net on playlists of the catalogue's tracks."""
    # On a busy machine the threads of a net this small mostly wait for each other.
    torch.set_num_threads(1)
    torch.manual_seed(settings.random_state)
    net = SequenceNet(catalogue, settings)
    _learn(net, playlists)
    with torch.no_grad():  # what no playlist has was never learned
        net.own.weight[:-1][torch.from_numpy(plays(playlists, net.tracks)) == 0] = 0
    return net.eval()


def _learn(net: SequenceNet, playlists: Playlists) -> None:
    settings = net.settings
    counts = torch.from_numpy(plays(playlists, net.tracks).astype(np.float32))
    chance = (counts**0.75 + 1e-3) / (counts**0.75 + 1e-3).sum()
    drawn_log = torch.log(chance * settings.negatives)
    cut, owners = _sequences(playlists.tracks, settings.length, net.tracks)
    titles = torch.from_numpy(playlists.titles[owners])
    begins = torch.from_numpy(np.diff(owners, prepend=-1) > 0)
    sequences = torch.from_numpy(cut)
    count = min(len(sequences), settings.sequences)
    steps = settings.epochs * -(-count // settings.batch_size)
    optimizers, schedules = _optimizers(net, settings.learning_rate, steps)
    started = time.perf_counter()
    for epoch in range(settings.epochs):
        losses = []
        for rows in torch.randperm(len(sequences))[:count].split(settings.batch_size):
            loss = _loss(net, sequences[rows], titles[rows], begins[rows], chance, drawn_log)
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for part in (*optimizers, *schedules):
                part.step()
            losses.append(loss.item())
        log.info(
            "next_song, sequence net: epoch %d of %d, loss %.3f (%.0f s)",
            epoch + 1,
            settings.epochs,
            np.mean(losses),
            time.perf_counter() - started,
        )


def _sequences(
    tracks: Sequence[NDArray[np.int64]], length: int, none: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Playlists cut into sequences (n, length + 1), and the playlist of each (n).

    The last track of one is the first of the next.
    """
    cut = [
        (place, found[start : start + length + 1])
        for place, found in enumerate(tracks)
        for start in range(0, max(len(found) - 1, 1), length)
    ]
    owners = np.array([place for place, _ in cut], dtype=np.int64)
    return ends([found for _, found in cut], length + 1, none), owners


def _optimizers(net: SequenceNet, rate: float, steps: int) -> tuple[list, list]:
    """SparseAdam for what a step touches a part of, AdamW for the rest, on one cycle."""
    sparse = [e.weight for e in (net.own, net.of_artist, net.of_album, net.bias)]
    known = {id(weight) for weight in sparse}
    dense = [weight for weight in net.parameters() if id(weight) not in known]
    optimizers = [
        torch.optim.SparseAdam(sparse, lr=rate),
        torch.optim.AdamW(dense, lr=rate, weight_decay=0.01),
    ]
    one_cycle = torch.optim.lr_scheduler.OneCycleLR
    return optimizers, [one_cycle(found, rate, total_steps=steps) for found in optimizers]


def _loss(
    net: SequenceNet,
    sequences: torch.Tensor,
    titles: torch.Tensor,
    begins: torch.Tensor,
    chance: torch.Tensor,
    drawn_log: torch.Tensor,
) -> torch.Tensor:
    """Cross-entropy of the tracks that came, each against itself and the tracks drawn.

    A title is to lead to the tracks that its playlist begins with: each time some are drawn.
    """
    keeps_own = (torch.rand(net.tracks + 1) >= net.settings.left_out).float()
    known, next_tracks = sequences[:, :-1], sequences[:, 1:]
    is_track = known != net.tracks
    directions = net.attention(net.embedded(known, keeps_own), is_track, net.titled(titles))
    directions = torch.cat([directions[:, :1].expand(-1, FROM_TITLE, -1), directions[:, 1:]], dim=1)
    some = torch.multinomial((sequences != net.tracks).float(), FROM_TITLE, replacement=True)
    came = torch.cat([sequences.gather(1, some), next_tracks], dim=1)
    is_asked = torch.cat([begins[:, None].expand_as(some), is_track], dim=1)
    directions, came = directions[is_asked], came[is_asked]
    drawn = torch.multinomial(chance, net.settings.negatives, replacement=True)
    right = (directions * net.vectors(came, keeps_own)).sum(dim=-1)
    right = net.scale * right + net.bias(came)[:, 0] - drawn_log[came]
    wrong = net.scale * directions @ net.vectors(drawn, keeps_own).T
    wrong = wrong + net.bias(drawn)[:, 0] - drawn_log[drawn]
    wrong = wrong.masked_fill(drawn == came[:, None], NEVER)
    everything = torch.cat([right[:, None], wrong], dim=1)
    return functional.cross_entropy(everything, torch.zeros(len(came), dtype=torch.long))
