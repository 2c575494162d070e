"""Candidates of the net and of the edges, ranked by a small net.

Of each beginning the sequence net names the tracks it likes best, the edges name what stood near
its last tracks, and an MLP ranks both by what either says of them and by how they resemble what was
played. A score is the chance among the candidates, by the softmax with which the ranking is learned
(ListNet, Cao et al. 2007, with one right answer).
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
from models_py.next_song.edges import Neighbours
from models_py.next_song.net import NEVER, SequenceNet

log = logging.getLogger("models_py.next_song")
# How many of the last tracks the edges are followed from, and what each step back is worth.
RECENT, DECAY = 10, 0.8
# What the mood of the last tracks is the mean of.
MOOD = 5
# What puts all that the net alone has scored below the candidates.
BELOW = 1e3


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a ranking.

    Attributes:
        by_net: candidates that the sequence net names.
        by_edges: candidates that the edges name beside them.
        hidden: width of the two hidden layers.
        epochs: passes over the questions.
        learning_rate: the peak of a one-cycle schedule.
        questions: beginnings of playlists that it is fitted to, at most.
        new_questions: share of these in which some tracks are taken as new.
        new_tracks: share of the tracks that are.
        random_state: of initial weights, order and choice of questions.
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
    """See the module. Index `tracks` stands for no track, of which nothing is known."""

    norm: torch.Tensor
    vector: torch.Tensor
    artist: torch.Tensor
    album: torch.Tensor
    sound: torch.Tensor
    bias: torch.Tensor
    word: torch.Tensor
    start: torch.Tensor
    scale: torch.Tensor
    neighbour: torch.Tensor
    weight: torch.Tensor
    plays: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self, net: SequenceNet, neighbours: Neighbours, plays: NDArray[np.int64], settings: Settings
    ):
        """Take what a trained net and the edges say; the MLP begins at random."""
        super().__init__()
        self.tracks = net.tracks
        self.settings = settings
        # How many candidates it names.
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
        for name in ("neighbour", "weight", "plays"):
            self.register_buffer(name, None)
        self.refresh(neighbours, plays)
        inputs = 15 + self.sound.shape[1]
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        layers = [nn.Linear(inputs, settings.hidden), nn.ReLU()]
        layers += [nn.Linear(settings.hidden, settings.hidden), nn.ReLU()]
        self.rank = nn.Sequential(*layers, nn.Linear(settings.hidden, 1))

    def refresh(self, neighbours: Neighbours, plays: NDArray[np.int64]) -> None:
        """Take what the edges and the plays (tracks) of more playlists say."""
        self.neighbour = torch.from_numpy(neighbours.tracks)
        self.weight = torch.from_numpy(neighbours.weights)
        self.plays = torch.from_numpy(np.log1p(np.append(plays, 0))).float()

    def by_net(self, known: Beginnings) -> torch.Tensor:
        """Return the net's score of each track, and in the end of no track (n, tracks + 1)."""
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
        """Return what the edges say of each track, and in the end of no track (n, tracks + 1).

        In this order: following the last track, near it, near all by their distance, together with
        any of them, following any of them.
        """
        recent = known.recent[:, -RECENT:]
        reached, weights = self.neighbour[recent].long(), self.weight[recent]
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
        """Return the candidates (n, c), and which are any: new tracks, all different (n, c)."""
        following, near, decayed, together, _ = edges
        # What the net says decides between equal strengths, in any runtime alike.
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
        """Return what the MLP sees of tracks (n, c): (n, c, inputs)."""
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
            sound[..., -1],  # whether it is known
        ]
        return torch.cat([torch.stack(columns, dim=-1), sound - mood[:, None]], dim=-1)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return how likely candidates are by their features (n, c, inputs): (n, c)."""
        return self.rank((features - self.mean) / self.spread)[..., 0]

    def answer(
        self, known: Beginnings, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return candidates (n, c), their chances (n, c), and the chance of tracks asked (n, 1).

        What is no candidate of its own, see `candidates`, has the chance 0; a track that is asked
        for is judged like one, beside them.
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
        """Return a score of each track (n, tracks): candidates by rank, then what the net says."""
        net, edges = self.by_net(known), self.by_edges(known)
        tracks, is_any = self.candidates(known, net, edges)
        logits = self.logits(self.features(known, net, edges, tracks))
        # What is no candidate of its own goes to the place of no track, which is cut off.
        places = torch.where(is_any, tracks, self.tracks)
        return (net - BELOW).scatter(1, places, logits)[:, :-1]


def _mean(values: torch.Tensor, is_there: torch.Tensor) -> torch.Tensor:
    return (values * is_there).sum(dim=1) / is_there.sum(dim=1).clamp(min=1)


def fit(
    ranker: Ranker, other: Ranker, playlists: Playlists, questions: Sequence[tuple[int, int]]
) -> None:
    """Fit the MLP to questions (playlist, tracks known).

    Neither the net nor the edges may have seen the playlists, or they would seem to know too much.

    Args:
        ranker: whose MLP it is.
        other: the same, to which some tracks are new: a share of the questions is put to it. Who
            never saw a new track be right would rank them all last.
        playlists: those of the questions.
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
            "candidates: give more slices"
        )
    features, is_any, right = (torch.cat(parts) for parts in zip(*found, strict=True))
    ranker.mean.copy_(features.mean(dim=(0, 1)))
    # An input that never varied says nothing: no weight of it was learned.
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
    """Features of candidates (m, c, inputs), which are any (m, c), the place of the right one (m).

    Questions whose answer is no candidate teach nothing, and are left out.
    """
    features, any_, right = [], [], []
    for known, rows in batches(playlists, questions, ranker.attention.length, ranker.tracks):
        net, edges = ranker.by_net(known), ranker.by_edges(known)
        tracks, is_any = ranker.candidates(known, net, edges)
        came = torch.tensor([playlists.tracks[place][cut] for place, cut in rows])
        is_right = (tracks == came[:, None]) & is_any
        has = is_right.any(dim=1)
        features.append(ranker.features(known, net, edges, tracks)[has])
        any_.append(is_any[has])
        right.append(is_right[has].float().argmax(dim=1))
    return torch.cat(features), torch.cat(any_), torch.cat(right)
