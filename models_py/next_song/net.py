"""A sequence net in PyTorch: from the last tracks of a playlist and its title to the next track.

The embedding of a track is the sum of its own embedding and those of its artist, album and audio
features. A track that no training playlist has only gets the latter, so it can be recommended too.
The title, the mean of its words' embeddings, is put before the tracks. Causal self-attention
(SASRec, Kang and McAuley 2018), with a bias by distance instead of positions, returns a unit
vector. The score of a track is its cosine with this vector, times a learned scale. The loss is
cross-entropy against tracks sampled by frequency, with a correction for their sampling
probabilities (Yi et al. 2019).
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

from models_py.next_song.data import Catalog, Playlists, last_tracks, plays
from models_py.next_song.device import chosen

log = logging.getLogger("models_py.next_song")
NEVER = -1e9
# How many tracks a title has to predict in a training step.
FROM_TITLE = 8


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a sequence net.

    Attributes:
        size: dimension of the embeddings.
        heads: number of attention heads.
        length: how many of the last tracks the net sees.
        epochs: passes over the sequences.
        sequences: the largest number of sequences in an epoch. If there are more, each epoch draws
            other ones.
        batch_size: sequences in a training step.
        learning_rate: the peak of a one-cycle schedule.
        negatives: number of sampled negative tracks in a training step.
        left_out: probability of leaving out a track's own embedding, as for a new track.
        random_state: seed of the initial weights, the order and the samples.
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
    """One block of causal self-attention over the title and the tracks of a playlist."""

    back: torch.Tensor
    later: torch.Tensor

    def __init__(self, size: int, heads: int, length: int):
        """Initialize the weights at random.

        Args:
            size: dimension of the embeddings.
            heads: number of attention heads.
            length: number of tracks.
        """
        super().__init__()
        self.heads, self.length = heads, length
        # The attention bias of each head by distance; the last entry is for the title.
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
        """Return unit vectors (n, length + 1, size); the first depends on the title only.

        Args:
            embedded: embeddings of the tracks, shape (n, length, size).
            is_track: False for padding, shape (n, length).
            titled: embeddings of the titles, shape (n, size).
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
    """The sequence net, see the module. The index `tracks` stands for no track and is padding."""

    artist: torch.Tensor
    album: torch.Tensor
    sound: torch.Tensor

    def __init__(self, catalog: Catalog, settings: Settings):
        """Initialize the embeddings at random."""
        super().__init__()
        self.settings, self.tracks, self.words = settings, len(catalog), len(catalog.words)
        size = settings.size
        self.register_buffer("artist", _with_none(catalog.artist))
        self.register_buffer("album", _with_none(catalog.album))
        sound = np.column_stack([catalog.sound, catalog.has_sound]).astype(np.float32)
        self.register_buffer(
            "sound", torch.from_numpy(np.vstack([sound, np.zeros_like(sound[:1])]))
        )
        # One more row for no track, no artist, no album and no word.
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
        # Random weights of the sound would be longer than all others, and a few hundred playlists
        # cannot unlearn them.
        for weight in (self.bias.weight, self.of_word.weight, self.of_sound.weight):
            nn.init.zeros_(weight)

    def embedded(self, tracks: torch.Tensor, keeps_own: torch.Tensor | None = None) -> torch.Tensor:
        """Return the embeddings (..., size) of tracks (...).

        Args:
            tracks: indices.
            keeps_own: 1 for tracks with their own embedding, 0 for those without, (tracks + 1,).
        """
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
        """Return the normalized embeddings (..., size) of tracks (...), see `embedded`."""
        return functional.normalize(self.embedded(tracks, keeps_own), dim=-1)


def without(net: SequenceNet, is_new: NDArray[np.bool_]) -> SequenceNet:
    """Return a copy of a net without the own embeddings of the tracks `is_new` (tracks,)."""
    found = copy.deepcopy(net)
    with torch.no_grad():
        for weight in (found.own.weight, found.bias.weight):
            weight[:-1][torch.from_numpy(is_new)] = 0
    return found.eval()


def _with_none(index: NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(np.append(index, index.max() + 1))


def train(catalog: Catalog, playlists: Playlists, settings: Settings) -> SequenceNet:
    """Return a net trained on playlists of the catalog's tracks."""
    # A net this small gains nothing from threads and is slow on a busy machine with them.
    torch.set_num_threads(1)
    device = chosen()
    torch.manual_seed(settings.random_state)
    net = SequenceNet(catalog, settings).to(device)
    _learn(net, playlists, device)
    net.cpu()
    with torch.no_grad():  # a track that no playlist has still has its random initial embedding
        net.own.weight[:-1][torch.from_numpy(plays(playlists, net.tracks)) == 0] = 0
    return net.eval()


def _learn(net: SequenceNet, playlists: Playlists, device: torch.device) -> None:
    settings = net.settings
    counts = torch.from_numpy(plays(playlists, net.tracks).astype(np.float32)).to(device)
    chance = (counts**0.75 + 1e-3) / (counts**0.75 + 1e-3).sum()
    drawn_log = torch.log(chance * settings.negatives)
    found, owners = _sequences(playlists.tracks, settings.length, net.tracks)
    titles = torch.from_numpy(playlists.titles[owners])
    begins = torch.from_numpy(np.diff(owners, prepend=-1) > 0)
    sequences = torch.from_numpy(found)
    count = min(len(sequences), settings.sequences)
    steps = settings.epochs * -(-count // settings.batch_size)
    optimizers, schedules = _optimizers(net, settings.learning_rate, steps)
    started = time.perf_counter()
    for epoch in range(settings.epochs):
        losses = []
        for rows in torch.randperm(len(sequences))[:count].split(settings.batch_size):
            cut, title, begin = (one[rows].to(device) for one in (sequences, titles, begins))
            loss = _loss(net, cut, title, begin, chance, drawn_log)
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for one in (*optimizers, *schedules):
                one.step()
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
    """Cut playlists into sequences (n, length + 1); also return the playlist of each (n,).

    The last track of a sequence is also the first of the next one.
    """
    cut = [
        (place, found[start : start + length + 1])
        for place, found in enumerate(tracks)
        for start in range(0, max(len(found) - 1, 1), length)
    ]
    owners = np.array([place for place, _ in cut], dtype=np.int64)
    return last_tracks([found for _, found in cut], length + 1, none), owners


def _optimizers(net: SequenceNet, rate: float, steps: int) -> tuple[list, list]:
    """Return SparseAdam for the large embeddings, AdamW for the rest, and one-cycle schedules."""
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
    """Return the cross-entropy of the next tracks, each against the sampled tracks.

    The title alone has to predict FROM_TITLE tracks, sampled from the first sequence of its
    playlist.
    """
    keeps_own = (torch.rand_like(net.bias.weight[:, 0]) >= net.settings.left_out).float()
    known, next_tracks = sequences[:, :-1], sequences[:, 1:]
    is_track = known != net.tracks
    directions = net.attention(net.embedded(known, keeps_own), is_track, net.titled(titles))
    directions = torch.cat([directions[:, :1].expand(-1, FROM_TITLE, -1), directions[:, 1:]], dim=1)
    some = torch.multinomial((sequences != net.tracks).float(), FROM_TITLE, replacement=True)
    targets = torch.cat([sequences.gather(1, some), next_tracks], dim=1)
    is_asked = torch.cat([begins[:, None].expand_as(some), is_track], dim=1)
    directions, targets = directions[is_asked], targets[is_asked]
    drawn = torch.multinomial(chance, net.settings.negatives, replacement=True)
    right = (directions * net.vectors(targets, keeps_own)).sum(dim=-1)
    right = net.scale * right + net.bias(targets)[:, 0] - drawn_log[targets]
    wrong = net.scale * directions @ net.vectors(drawn, keeps_own).T
    wrong = wrong + net.bias(drawn)[:, 0] - drawn_log[drawn]
    wrong = wrong.masked_fill(drawn == targets[:, None], NEVER)
    everything = torch.cat([right[:, None], wrong], dim=1)
    return functional.cross_entropy(everything, torch.zeros_like(targets))
