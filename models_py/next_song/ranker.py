"""The hybrid: candidates of the sequence net and of the edges, ranked by an MLP.

For each beginning, the sequence net names its best tracks, and the edges name tracks that occur
near the last tracks. An MLP ranks these candidates by the scores of both and by their similarity to
the played tracks. It is trained with a softmax over the candidates (ListNet, Cao et al. 2007, with
one right answer), so a score is a probability among the candidates.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models_py.examples import TrainingError
from models_py.next_song.beginnings import Beginnings, batches
from models_py.next_song.data import Playlists
from models_py.next_song.edges import Neighbors
from models_py.next_song.net import NEVER, SequenceNet

log = logging.getLogger("models_py.next_song")
# How many of the last tracks the edges are followed from, and the decay of each step back.
RECENT, DECAY = 10, 0.8
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
    hidden: int = 48
    epochs: int = 8
    learning_rate: float = 3e-3
    questions: int = 12_000
    new_questions: float = 0.3
    new_tracks: float = 0.2
    random_state: int = 0


class Ranker(nn.Module):
    """The hybrid, see the module. The index `tracks` stands for no track."""

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
        # The numbers of candidates.
        self.liked = min(settings.by_net, self.tracks)
        self.near_by = min(settings.by_edges, self.tracks)
        self.offers = self.liked + self.near_by
        with torch.no_grad():
            embedded = net.embedded(torch.arange(self.tracks + 1))
            norm = embedded.norm(dim=-1, keepdim=True)
        vector = embedded / norm.clamp(min=1e-12)
        vector[-1] = 0
        self.register_buffer("norm", norm)
        self.register_buffer("vector", vector)
        for name in ("artist", "album", "sound"):
            self.register_buffer(name, getattr(net, name))
        for name, weight in (("bias", net.bias.weight[:-1, 0]), ("word", net.of_word.weight)):
            self.register_buffer(name, weight.detach())
        self.register_buffer("start", net.start.detach())
        self.register_buffer("scale", net.scale.detach())
        self.attention = net.attention
        for name in ("neighbor", "weight", "plays"):
            self.register_buffer(name, None)
        self.refresh(neighbors, plays)
        inputs = 15 + self.sound.shape[1]
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        layers = [nn.Linear(inputs, settings.hidden), nn.ReLU()]
        layers += [nn.Linear(settings.hidden, settings.hidden), nn.ReLU()]
        self.rank = nn.Sequential(*layers, nn.Linear(settings.hidden, 1))

    def refresh(self, neighbors: Neighbors, plays: NDArray[np.int64]) -> None:
        """Replace the edges and the play counts (tracks,), such as by those of more playlists."""
        self.neighbor = torch.from_numpy(neighbors.tracks)
        self.weight = torch.from_numpy(neighbors.weights)
        self.plays = torch.from_numpy(np.log1p(np.append(plays, 0))).float()

    def by_net(self, known: Beginnings) -> torch.Tensor:
        """Return the net's score of each track (n, tracks + 1); the last column is padding."""
        is_track = known.recent < self.tracks
        is_word = (known.titles < len(self.word) - 1).float()[..., None]
        titled = (self.word[known.titles] * is_word).sum(dim=1)
        titled = self.start + titled / is_word.sum(dim=1).clamp(min=1)
        leads = self.attention(
            self.vector[known.recent] * self.norm[known.recent], is_track, titled
        )
        lead = torch.where(is_track[:, -1:], leads[:, -1], leads[:, 0])
        scores = self.scale * lead @ self.vector[:-1].T + self.bias
        return functional.pad(scores, (0, 1), value=NEVER)

    def by_edges(self, known: Beginnings) -> list[torch.Tensor]:
        """Return the edges' scores of each track (n, tracks + 1); the last column is padding.

        In this order: following the last track; near the last track; near all recent tracks, with
        decay; together with any recent track; following any recent track.
        """
        recent = known.recent[:, -RECENT:]
        reached, weights = self.neighbor[recent].long(), self.weight[recent]
        decay = DECAY ** torch.arange(recent.shape[1] - 1, -1, -1.0)[:, None]

        def total(reached: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            nothing = torch.zeros(recent.shape[0], self.tracks + 1)
            return nothing.scatter_add(1, reached.flatten(1), weights.flatten(1))

        return [
            total(reached[:, -1], weights[:, -1, :, 0]),
            total(reached[:, -1], weights[:, -1, :, 1]),
            total(reached, weights[..., 1] * decay),
            total(reached, weights[..., 2]),
            total(reached, weights[..., 0]),
        ]

    def candidates(
        self, known: Beginnings, net: torch.Tensor, edges: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the candidates (n, c), and which of them are valid (n, c).

        Valid candidates are unique and were not played. The others only fill the shape, if there
        are too few.
        """
        following, near, decayed, together, _ = edges
        # The net's score breaks ties, so that all runtimes choose the same candidates.
        strength = following + near + decayed + 0.1 * together + 1e-3 * net
        liked = net.scatter(1, known.played, NEVER).topk(self.liked)
        near_by = (
            strength.index_fill(1, torch.tensor([self.tracks]), NEVER)
            .scatter(1, known.played, NEVER)
            .scatter(1, liked.indices, NEVER)
            .topk(self.near_by)
        )
        tracks = torch.cat([liked.indices, near_by.indices], dim=1)
        return tracks, torch.cat([liked.values, near_by.values], dim=1) > NEVER / 2

    def features(
        self, known: Beginnings, net: torch.Tensor, edges: list[torch.Tensor], tracks: torch.Tensor
    ) -> torch.Tensor:
        """Return the inputs of the MLP (n, c, inputs) for tracks (n, c)."""
        recent = known.recent[:, -RECENT:]
        last = recent[:, -1:]
        is_track = (recent < self.tracks).float()
        following, near, decayed, together, after_any = (found.gather(1, tracks) for found in edges)
        leaving = self.weight[last[:, 0], :, 0].sum(dim=1, keepdim=True)
        of_artist = (self.artist[tracks][..., None] == self.artist[recent][:, None]).float()
        of_artist = of_artist * is_track[:, None]
        mood = _mean(self.sound[recent[:, -MOOD:]], is_track[:, -MOOD:, None])
        sound = self.sound[tracks]
        ones = torch.ones_like(near)
        columns = [
            following.log1p(),
            following / (leaving + 1),
            near.log1p(),
            decayed.log1p(),
            together.log1p(),
            after_any.log1p(),
            net.gather(1, tracks),
            self.plays[tracks],
            of_artist[..., -1],
            of_artist.sum(dim=2) / is_track.sum(dim=1, keepdim=True).clamp(min=1),
            (self.album[tracks] == self.album[last]).float(),
            (sound - self.sound[last]).square().sum(dim=-1).sqrt(),
            leaving.log1p() * ones,
            is_track.sum(dim=1, keepdim=True) * ones,
            sound[..., -1],  # whether the sound is known
        ]
        return torch.cat([torch.stack(columns, dim=-1), sound - mood[:, None]], dim=-1)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, c) of candidates with features (n, c, inputs)."""
        return self.rank((features - self.mean) / self.spread)[..., 0]

    def answer(
        self, known: Beginnings, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return candidates (n, c), their probabilities (n, c), and those of `asked` (n, 1).

        An invalid candidate, see `candidates`, has the probability 0. An asked track is scored
        relative to the candidates, without being one.
        """
        net, edges = self.by_net(known), self.by_edges(known)
        tracks, is_any = self.candidates(known, net, edges)
        everything = torch.cat([tracks, asked], dim=1)
        logits = self.logits(self.features(known, net, edges, everything))
        logits, asked_logit = logits[:, :-1], logits[:, -1:]
        logits = torch.where(is_any, logits, NEVER)
        whole = logits.logsumexp(dim=1, keepdim=True)
        was_played = (known.played == asked).any(dim=1, keepdim=True)
        asked_chance = torch.where(was_played, 0.0, (asked_logit - whole).exp())
        return tracks, (logits - whole).exp(), asked_chance

    def scores(self, known: Beginnings) -> torch.Tensor:
        """Return the scores of all tracks (n, tracks): other tracks rank below the candidates."""
        net, edges = self.by_net(known), self.by_edges(known)
        tracks, is_any = self.candidates(known, net, edges)
        logits = self.logits(self.features(known, net, edges, tracks))
        # Invalid candidates go to the padding column, which is cut off.
        places = torch.where(is_any, tracks, self.tracks)
        return (net - BELOW).scatter(1, places, logits)[:, :-1]


def _mean(values: torch.Tensor, is_there: torch.Tensor) -> torch.Tensor:
    return (values * is_there).sum(dim=1) / is_there.sum(dim=1).clamp(min=1)


def fit(
    ranker: Ranker, other: Ranker, playlists: Playlists, questions: Sequence[tuple[int, int]]
) -> None:
    """Fit the MLP of a ranker, in place, to questions (index of the playlist, tracks known).

    The net and the edges must not have been trained on these playlists: the MLP would learn to
    trust them too much.

    Args:
        ranker: has the MLP to fit.
        other: a copy for which some tracks are new, used for the share `new_questions`. Without
            it, a new track would never be the right answer, and the MLP would rank new tracks last.
        playlists: the playlists of the questions.
        questions: in any order.

    Raises:
        TrainingError: no question has its answer among the candidates.
    """
    settings = ranker.settings
    torch.manual_seed(settings.random_state)
    few = round(settings.new_questions * len(questions))
    found = [
        _examples(one, playlists, part)
        for one, part in ((other, questions[:few]), (ranker, questions[few:]))
        if part
    ]
    if not any(len(features) for features, _, _ in found):
        raise TrainingError(
            "task next_song: no question that the ranking learns from has its answer among the "
            "candidates: add slices"
        )
    features, is_any, right = (torch.cat(parts) for parts in zip(*found, strict=True))
    ranker.mean.copy_(features.mean(dim=(0, 1)))
    # A constant input is divided by infinity, because its weights would stay random.
    varies = features.amax(dim=(0, 1)) > features.amin(dim=(0, 1))
    ranker.spread.copy_(torch.where(varies, features.std(dim=(0, 1)), torch.inf))
    steps = settings.epochs * -(-len(features) // 64)
    optimizer = torch.optim.AdamW(ranker.rank.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps
    )
    losses = []
    for _ in range(settings.epochs):
        for rows in torch.randperm(len(features)).split(64):
            logits = torch.where(is_any[rows], ranker.logits(features[rows]), NEVER)
            loss = functional.cross_entropy(logits, right[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    log.info(
        "next_song, ranking: %d of %d questions have the answer among their candidates, loss %.3f",
        len(features),
        len(questions),
        np.mean(losses[-len(losses) // settings.epochs :]),
    )


@torch.no_grad()
def _examples(
    ranker: Ranker, playlists: Playlists, questions: Sequence[tuple[int, int]]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the features (m, c, inputs), the valid candidates (m, c) and the right one's index.

    Questions whose answer is not a candidate are left out.
    """
    features, any_, right = [], [], []
    for known, rows in batches(playlists, questions, ranker.attention.length, ranker.tracks):
        net, edges = ranker.by_net(known), ranker.by_edges(known)
        tracks, is_any = ranker.candidates(known, net, edges)
        answers = torch.tensor([playlists.tracks[place][cut] for place, cut in rows])
        is_right = (tracks == answers[:, None]) & is_any
        has = is_right.any(dim=1)
        features.append(ranker.features(known, net, edges, tracks)[has])
        any_.append(is_any[has])
        right.append(is_right[has].float().argmax(dim=1))
    return torch.cat(features), torch.cat(any_), torch.cat(right)
