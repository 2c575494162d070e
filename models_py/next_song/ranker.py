"""The hybrid: candidates of three sources, ranked by an MLP.

For each beginning, the sequence net names its best tracks, the edges name tracks that occur near
the last tracks, and the artists and albums of the last tracks name their other tracks. An MLP ranks
these candidates by all these scores and by their similarity to the played tracks. It is trained
with a softmax over the candidates (ListNet, Cao et al. 2007, with one right answer), so a score is
a probability among the candidates.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models_py.next_song.beginnings import Beginnings
from models_py.next_song.edges import Neighbors, half
from models_py.next_song.net import NEVER, SequenceNet

# How many of the last tracks the edges are followed from, and the decay of each step back.
RECENT, DECAY = 10, 0.8
# Break ties between candidates, so that all runtimes choose the same ones. Both terms stay below 1.
TIE_BY_NET, TIE_BY_PLAYS = 1e-3, 1e-2
# The largest number of recommended tracks.
LARGEST_K = 500
# The mood is the mean sound of so many last tracks.
MOOD = 5
# Subtracted from the scores of other tracks, so that they rank below all candidates.
BELOW = 1e3


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a ranking.

    Attributes:
        by_net: number of candidates from the sequence net.
        by_edges: number of further candidates from the edges.
        by_artist: number of further candidates from the artists and albums of the last tracks.
        hidden: width of the two hidden layers.
        epochs: passes over the questions.
        learning_rate: the peak of a one-cycle schedule.
        questions: the largest number of questions that it is fitted to.
        new_questions: share of the questions in which some tracks are treated as new.
        new_tracks: share of the tracks that are treated as new.
        random_state: seed of the initial weights, the order and the choice of questions.
    """

    by_net: int = 100
    by_edges: int = 100
    by_artist: int = 100
    hidden: int = 48
    epochs: int = 8
    learning_rate: float = 3e-3
    questions: int = 12_000
    new_questions: float = 0.3
    new_tracks: float = 0.2
    random_state: int = 0


class Signals(NamedTuple):
    """Scores of each track, each of shape (n, tracks + 1); the last column is padding.

    Attributes:
        net: by the sequence net.
        following: by the edges, following the last track.
        near: near the last track.
        near_recent: near all recent tracks, with decay.
        together: together with any recent track.
        following_recent: following any recent track.
    """

    net: torch.Tensor
    following: torch.Tensor
    near: torch.Tensor
    near_recent: torch.Tensor
    together: torch.Tensor
    following_recent: torch.Tensor


class Groups(NamedTuple):
    """How many of the last tracks each artist and album has, of shape (n, tracks + 1).

    A column is the index of an artist or album. In the first two, each step back counts less.
    """

    artist_decayed: torch.Tensor
    album_decayed: torch.Tensor
    artist: torch.Tensor
    album: torch.Tensor


class Ranker(nn.Module):
    """The hybrid, see the module. The index `tracks` stands for no track.

    The tables that grow with the catalog are kept as float16: its error changes no metric in the
    fourth digit, and the graph has two thirds of the bytes.
    """

    norm: torch.Tensor
    vector: torch.Tensor
    artist: torch.Tensor
    album: torch.Tensor
    sound: torch.Tensor
    bias: torch.Tensor
    word: torch.Tensor
    start: torch.Tensor
    scale: torch.Tensor
    neighbor: torch.Tensor
    weight: torch.Tensor
    plays: torch.Tensor
    artist_plays: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self, net: SequenceNet, neighbors: Neighbors, plays: NDArray[np.int64], settings: Settings
    ):
        """Copy the weights of a trained net, keep the edges, initialize the MLP at random.

        Args:
            net: fitted.
            neighbors: the edges.
            plays: how often each track is played, shape (tracks,).
            settings: hyperparameters.
        """
        super().__init__()
        self.tracks = net.tracks
        self.settings = settings
        self.counts = [
            min(count, self.tracks)
            for count in (settings.by_net, settings.by_edges, settings.by_artist)
        ]
        # Tracks beyond the candidates, so that there are enough for the longest list.
        self.further = min(max(LARGEST_K - sum(self.counts), 0), self.tracks)
        self.offers = sum(self.counts) + self.further
        with torch.no_grad():
            embedded = net.embedded(torch.arange(self.tracks + 1))
            norm = embedded.norm(dim=-1, keepdim=True)
        vector = embedded / norm.clamp(min=1e-12)
        vector[-1] = 0
        self.register_buffer("norm", norm)
        self.register_buffer("vector", vector.half())
        self.register_buffer("sound", net.sound.half())
        for name in ("artist", "album"):
            self.register_buffer(name, getattr(net, name))
        for name, weight in (("bias", net.bias.weight[:-1, 0]), ("word", net.of_word.weight)):
            self.register_buffer(name, weight.detach())
        self.register_buffer("start", net.start.detach())
        self.register_buffer("scale", net.scale.detach())
        self.attention = net.attention
        for name in ("neighbor", "weight", "plays", "artist_plays"):
            self.register_buffer(name, None)
        self.refresh(neighbors, plays)
        inputs = 22 + self.sound.shape[1]
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        layers = [nn.Linear(inputs, settings.hidden), nn.ReLU()]
        layers += [nn.Linear(settings.hidden, settings.hidden), nn.ReLU()]
        self.rank = nn.Sequential(*layers, nn.Linear(settings.hidden, 1))

    def refresh(self, neighbors: Neighbors, plays: NDArray[np.int64]) -> None:
        """Replace the edges and the play counts (tracks,), such as by those of more playlists."""
        self.neighbor = torch.from_numpy(neighbors.tracks)
        self.weight = half(neighbors.weights)
        played = np.append(plays, 0)
        self.plays = torch.from_numpy(np.log1p(played)).float()
        by_artist = np.bincount(self.artist.numpy(), weights=played)
        self.artist_plays = torch.from_numpy(np.log1p(by_artist)).float()

    def by_net(self, known: Beginnings) -> torch.Tensor:
        """Return the net's score of each track (n, tracks + 1); the last column is padding."""
        is_track = known.recent < self.tracks
        is_word = (known.titles < len(self.word) - 1).float()[..., None]
        titled = (self.word[known.titles] * is_word).sum(dim=1)
        titled = self.start + titled / is_word.sum(dim=1).clamp(min=1)
        leads = self.attention(
            self.vector[known.recent].float() * self.norm[known.recent], is_track, titled
        )
        lead = torch.where(is_track[:, -1:], leads[:, -1], leads[:, 0])
        scores = self.scale * lead @ self.vector[:-1].float().T + self.bias
        return functional.pad(scores, (0, 1), value=NEVER)

    def signals(self, known: Beginnings) -> Signals:
        """Return the scores by the net and by the edges."""
        recent = known.recent[:, -RECENT:]
        reached, weights = self.neighbor[recent].long(), self.weight[recent].float()
        decay = _decay(recent)[:, None]

        def total(reached: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            nothing = torch.zeros(recent.shape[0], self.tracks + 1)
            return nothing.scatter_add(1, reached.flatten(1), weights.flatten(1))

        return Signals(
            net=self.by_net(known),
            following=total(reached[:, -1], weights[:, -1, :, 0]),
            near=total(reached[:, -1], weights[:, -1, :, 1]),
            near_recent=total(reached, weights[..., 1] * decay),
            together=total(reached, weights[..., 2]),
            following_recent=total(reached, weights[..., 0]),
        )

    def groups(self, known: Beginnings) -> Groups:
        """Return how many of the last tracks each artist and album has."""
        is_track = (known.recent < self.tracks).float()

        def total(group: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            nothing = torch.zeros(known.recent.shape[0], self.tracks + 1)
            return nothing.scatter_add(1, group[known.recent], weights)

        decayed = is_track * _decay(known.recent)
        return Groups(
            artist_decayed=total(self.artist, decayed),
            album_decayed=total(self.album, decayed),
            artist=total(self.artist, is_track),
            album=total(self.album, is_track),
        )

    def candidates(
        self, known: Beginnings, signals: Signals, groups: Groups
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the candidates (n, c), and which of them are valid (n, c).

        Valid candidates are unique and may be recommended. The others only fill the shape, if there
        are too few.
        """
        taken, values = [known.barred, torch.full_like(known.barred[:, :1], self.tracks)], []
        strengths = self.strengths(known, signals, groups)
        for strength, count in zip(strengths, self.counts, strict=True):
            best = strength.scatter(1, torch.cat(taken, dim=1), NEVER).topk(count)
            taken.append(best.indices)
            values.append(best.values)
        return torch.cat(taken[2:], dim=1), torch.cat(values, dim=1) > NEVER / 2

    def strengths(
        self, known: Beginnings, signals: Signals, groups: Groups
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return by what each source of candidates chooses: three of shape (n, tracks + 1)."""
        s = signals
        may = 0.0 if known.limit is None else known.limit
        # The net's score breaks ties, so that all runtimes choose the same candidates.
        by_net = TIE_BY_NET * s.net + may
        near_by = s.following + s.near + s.near_recent + 0.1 * s.together + by_net
        related = groups.artist_decayed[:, self.artist] + groups.album_decayed[:, self.album]
        # Any related track is above all others, however far back its artist is.
        related = related + (related > 0) + by_net + TIE_BY_PLAYS * self.plays
        return s.net + may, near_by, related

    def features(
        self, known: Beginnings, signals: Signals, groups: Groups, tracks: torch.Tensor
    ) -> torch.Tensor:
        """Return the inputs of the MLP (n, c, inputs) for tracks (n, c)."""
        recent = known.recent[:, -RECENT:]
        last = recent[:, -1:]
        is_track = (recent < self.tracks).float()
        found = Signals(*(scores.gather(1, tracks) for scores in signals))
        artist, album = self.artist[tracks], self.album[tracks]
        artist_count = groups.artist.gather(1, artist)
        album_count = groups.album.gather(1, album)
        leaving = self.weight[last[:, 0], :, 0].float().sum(dim=1, keepdim=True)
        of_artist = (artist[..., None] == self.artist[recent][:, None]).float()
        of_artist = of_artist * is_track[:, None]
        count = (known.recent < self.tracks).float().sum(dim=1, keepdim=True).clamp(min=1)
        mood = _mean(self.sound[recent[:, -MOOD:]].float(), is_track[:, -MOOD:, None])
        sound = self.sound[tracks].float()
        ones = torch.ones_like(found.near)
        columns = [
            found.following.log1p(),
            found.following / (leaving + 1),
            found.near.log1p(),
            found.near_recent.log1p(),
            found.together.log1p(),
            found.following_recent.log1p(),
            found.net,
            self.plays[tracks],
            of_artist[..., -1],
            of_artist.sum(dim=2) / is_track.sum(dim=1, keepdim=True).clamp(min=1),
            (album == self.album[last]).float(),
            (sound - self.sound[last].float()).square().sum(dim=-1).sqrt(),
            leaving.log1p() * ones,
            is_track.sum(dim=1, keepdim=True) * ones,
            groups.artist_decayed.gather(1, artist),
            groups.album_decayed.gather(1, album),
            artist_count.log1p(),
            album_count.log1p(),
            artist_count / count,
            album_count / count,
            self.artist_plays[artist],
            sound[..., -1],  # whether the sound is known
        ]
        return torch.cat([torch.stack(columns, dim=-1), sound - mood[:, None]], dim=-1)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, c) of candidates with features (n, c, inputs)."""
        return self.rank((features - self.mean) / self.spread)[..., 0]

    def answer(
        self, known: Beginnings, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return tracks (n, t), their probabilities (n, t), and those of `asked` (n, 1).

        The tracks are the candidates and, below 0, the net's next ones in their order. An invalid
        candidate, see `candidates`, has -1. An asked track is scored relative to the candidates,
        without being one.
        """
        signals, groups = self.signals(known), self.groups(known)
        tracks, is_any = self.candidates(known, signals, groups)
        everything = torch.cat([tracks, asked], dim=1)
        logits = self.logits(self.features(known, signals, groups, everything))
        logits, asked_logit = logits[:, :-1], logits[:, -1:]
        logits = torch.where(is_any, logits, NEVER)
        whole = logits.logsumexp(dim=1, keepdim=True)
        was_played = (known.barred == asked).any(dim=1, keepdim=True)
        asked_chance = torch.where(was_played, 0.0, (asked_logit - whole).exp())
        chances = torch.where(is_any, (logits - whole).exp(), -1.0)
        further, places = self._further(known, signals.net, tracks)
        return torch.cat([tracks, further], 1), torch.cat([chances, places], 1), asked_chance

    def _further(
        self, known: Beginnings, net: torch.Tensor, candidates: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the net's best tracks that are no candidates, and their order, just below 0."""
        may = 0.0 if known.limit is None else known.limit
        taken = [known.barred, torch.full_like(known.barred[:, :1], self.tracks), candidates]
        best = (net + may).scatter(1, torch.cat(taken, dim=1), NEVER).topk(self.further)
        order = -(torch.arange(self.further) + 1.0) / (self.further + 1) / BELOW
        return best.indices, torch.where(best.values > NEVER / 2, order, -1.0)

    def scores(self, known: Beginnings) -> torch.Tensor:
        """Return the scores of all tracks (n, tracks): other tracks rank below the candidates."""
        signals, groups = self.signals(known), self.groups(known)
        tracks, is_any = self.candidates(known, signals, groups)
        logits = self.logits(self.features(known, signals, groups, tracks))
        # Invalid candidates go to the padding column, which is cut off.
        places = torch.where(is_any, tracks, self.tracks)
        return (signals.net - BELOW).scatter(1, places, logits)[:, :-1]


def _decay(tracks: torch.Tensor) -> torch.Tensor:
    """Return the weight of each place (l,) of tracks (n, l): 1 for the last one."""
    return DECAY ** torch.arange(tracks.shape[1] - 1, -1, -1.0)


def _mean(values: torch.Tensor, is_there: torch.Tensor) -> torch.Tensor:
    return (values * is_there).sum(dim=1) / is_there.sum(dim=1).clamp(min=1)
