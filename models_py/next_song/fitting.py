"""Fit the MLP of a hybrid to questions about playlists, see `models_py.next_song.ranker`."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from models_py.examples import TrainingError
from models_py.next_song.beginnings import batches
from models_py.next_song.data import Playlists
from models_py.next_song.net import NEVER
from models_py.next_song.ranker import Ranker

log = logging.getLogger("models_py.next_song")


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
    valid = features[is_any]
    ranker.mean.copy_(valid.mean(dim=0))
    # A constant input is divided by infinity, because its weights would stay random.
    varies = valid.amax(dim=0) > valid.amin(dim=0)
    ranker.spread.copy_(torch.where(varies, valid.std(dim=0), torch.inf))
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
        signals, groups = ranker.signals(known), ranker.groups(known)
        tracks, is_any = ranker.candidates(known, signals, groups)
        answers = torch.tensor([playlists.tracks[place][cut] for place, cut in rows])
        is_right = (tracks == answers[:, None]) & is_any
        has = is_right.any(dim=1)
        features.append(ranker.features(known, signals, groups, tracks)[has])
        any_.append(is_any[has])
        right.append(is_right[has].float().argmax(dim=1))
    return torch.cat(features), torch.cat(any_), torch.cat(right)
