"""A second optimizer with torch's gradients: the reference for the graph."""

import numpy as np
import torch

from models_py.song_optimization.graph import REACH
from models_py.song_optimization.student import Student


def means(student: Student, songs: torch.Tensor) -> torch.Tensor:
    """The answers of each net for songs, shape (m, n)."""
    answers = []
    for net in student.nets_:
        values = songs
        for place, (weights, intercepts) in enumerate(net.layers_):
            values = values @ torch.tensor(weights).T + torch.tensor(intercepts)
            values = torch.relu(values) if place < len(net.layers_) - 1 else values
        answers.append(values[:, 0])
    return torch.stack(answers)


def climb(student, start, origin, low, high, rest, deviations, penalty, steps):
    """The best point on the path from `start`, in float64."""

    def value(x):
        said = means(student, torch.hstack([x, rest]))
        mean = said.mean(0)
        doubt = ((said - mean).square().mean(0) + 1e-6).sqrt()
        cost = penalty * ((x - origin) / deviations).square().sum(1)
        return mean - doubt - cost, mean

    x, best = start.clone(), origin.clone()
    best_value, best_mean = value(origin)
    momentum = velocity = torch.zeros_like(origin)
    for step in range(steps + 1):
        tried = x.clone().requires_grad_()
        found, mean = value(tried)
        is_better = (found > best_value) & (mean >= best_mean)
        best = torch.where(is_better[:, None], x, best)
        best_value = torch.where(is_better, found, best_value).detach()
        best_mean = torch.where(is_better, mean, best_mean).detach()
        if step == steps:  # the last step is only evaluated
            break
        (slope,) = torch.autograd.grad(found.sum(), tried)
        slope = slope * deviations
        momentum = 0.9 * momentum + 0.1 * slope
        velocity = 0.999 * velocity + 0.001 * slope**2
        stride = 2 * REACH / steps * (1 - step / steps) * deviations
        pull = momentum / (1 - 0.9 ** (step + 1))
        size = (velocity / (1 - 0.999 ** (step + 1))).sqrt() + 0.05
        x = torch.minimum(torch.maximum(x + stride * pull / size, low), high)
    return best


def shapley(student, start, end, rest) -> torch.Tensor:
    """The contribution of each change, averaged over feature order and its reverse."""
    total = torch.zeros_like(start)
    width = start.shape[1]
    for order in (range(width), reversed(range(width))):
        x = start.clone()
        before = means(student, torch.hstack([x, rest])).mean(0)
        for place in order:
            x = x.clone()
            x[:, place] = end[:, place]
            after = means(student, torch.hstack([x, rest])).mean(0)
            total[:, place] += (after - before) / 2
            before = after
    return total


def optimize(student, songs, bounds, max_changes, most, penalty, steps, deviations):
    """Optimize songs (n, k): the changed features, and the predictions before and after."""
    start, rest = (torch.tensor(part) for part in np.hsplit(songs, [len(deviations)]))
    low, high = (torch.tensor(bound) for bound in bounds)
    reach, deviations = torch.tensor(max_changes), torch.tensor(deviations)
    lows = torch.maximum(start - reach, torch.minimum(low, start))
    highs = torch.minimum(start + reach, torch.maximum(high, start))
    with torch.no_grad():
        before = means(student, torch.tensor(songs)).mean(0)
    own = (rest, deviations, penalty)
    tried = climb(student, start, start, lows, highs, *own, steps // 2)
    gains = torch.where(lows < highs, shapley(student, start, tried, rest), -torch.inf)
    rank = (-gains).argsort(stable=True, dim=1).argsort(dim=1)
    first = torch.where(rank < most, tried, start)
    lows = torch.where(rank < most, lows, start)
    highs = torch.where(rank < most, highs, start)
    end = climb(student, first, start, lows, highs, *own, steps - steps // 2)
    after = means(student, torch.hstack([end, rest])).mean(0)
    return end.numpy(), before.numpy(), after.numpy(), shapley(student, start, end, rest).numpy()
