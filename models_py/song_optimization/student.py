"""The student: nets that were also told what the teacher says of songs that nobody made.

A net that has seen real songs only is free to be wrong between them, and whoever climbs it ends
where it is wrong. So the teacher labels changed songs as well (distillation, Hinton et al. 2015,
with inputs off the data), and several nets are trained: where they disagree, none is believed.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import block_diag
from sklearn.base import BaseEstimator, RegressorMixin
from xgboost import XGBRegressor

from models_py.net import Net

Bounds = Sequence[tuple[float, float]]


class Student(RegressorMixin, BaseEstimator):
    """Nets of two hidden layers; their mean is the answer.

    Args:
        members: how many nets.
        hidden: width of the two hidden layers.
        epochs: passes over all rows, the changed ones among them.
        batch_size: rows of a step.
        learning_rate: see `Net`.
        weight_decay: see `Net`.
        copies: changed songs for each real one.
        jitter: standard deviation of a change, in standard deviations of the feature; each is
            changed with an even chance.
        anywhere: share of the changed songs whose features are drawn evenly between the bounds.
        label_weight: share of the labels in what is learned of a real song; the teacher has the
            rest, and all of a changed one.

    Attributes:
        nets_: the fitted nets.
    """

    def __init__(
        self,
        members: int = 3,
        hidden: Sequence[int] = (64, 64),
        epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        copies: int = 8,
        jitter: float = 1.5,
        anywhere: float = 0.1,
        label_weight: float = 0.5,
    ):
        """Keep the hyperparameters; `fit` uses them."""
        self.members = members
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.copies = copies
        self.jitter = jitter
        self.anywhere = anywhere
        self.label_weight = label_weight

    def fit(
        self,
        features: np.ndarray,
        label: np.ndarray,
        teacher: XGBRegressor,
        bounds: Bounds,
    ) -> "Student":
        """Train on features (n, k) and labels (n,).

        Args:
            features: those that may change first.
            label: of each row.
            teacher: fitted on the same rows.
            bounds: lowest and highest value of each feature that may change.
        """
        self.nets_ = [
            self._net(member, features, label, teacher, bounds) for member in range(self.members)
        ]
        return self

    def _net(
        self,
        member: int,
        features: np.ndarray,
        label: np.ndarray,
        teacher: XGBRegressor,
        bounds: Bounds,
    ) -> Net:
        rng = np.random.default_rng(member)
        changed = [self._changed(features, bounds, rng) for _ in range(self.copies)]
        told = self.label_weight * label + (1 - self.label_weight) * teacher.predict(features)
        net = Net(
            hidden=tuple(self.hidden),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=0,
            random_state=member,
        )
        return net.fit(
            np.concatenate([features, *changed]),
            np.concatenate([told, *(teacher.predict(songs) for songs in changed)]),
        )

    def _changed(
        self, features: np.ndarray, bounds: Bounds, rng: np.random.Generator
    ) -> np.ndarray:
        """A changed copy of each song."""
        low, high = np.array(bounds).T
        free = features[:, : len(bounds)]
        step = self.jitter * free.std(axis=0) * rng.normal(size=free.shape)
        near = free + step * (rng.random(free.shape) < 0.5)
        # Real songs may lie beyond the bounds.
        near = np.clip(near, np.minimum(low, free), np.maximum(high, free))
        is_anywhere = rng.random((len(free), 1)) < self.anywhere
        changed = np.where(is_anywhere, rng.uniform(low, high, free.shape), near)
        return np.hstack([changed, features[:, len(bounds) :]])

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the mean of the nets' answers (n,) for features (n, k)."""
        return np.mean([net.predict(features) for net in self.nets_], axis=0)

    def as_net(self) -> Net:
        """Return one net that answers the mean, its nets side by side."""
        first, *others = zip(*(net.layers_ for net in self.nets_), strict=True)
        layers = [tuple(np.concatenate(values) for values in zip(*first, strict=True))]
        for parts in others:
            blocks, ends = zip(*parts, strict=True)
            layers.append((block_diag(*blocks), np.concatenate(ends)))
        weights, intercepts = layers.pop()
        layers.append((weights.mean(axis=0, keepdims=True), intercepts.mean(keepdims=True)))
        whole = Net(hidden=tuple(len(intercepts) for _, intercepts in layers[:-1]))
        whole.layers_ = layers
        return whole
