"""The student: several nets that also learn the teacher's predictions for changed songs.

A net trained on real songs only may be wrong about other songs, and an optimizer finds exactly the
songs it overestimates. Therefore the teacher also labels changed copies of the songs (distillation,
Hinton et al. 2015, here with inputs outside the data). Several nets are trained, because their
disagreement shows where they are uncertain.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import block_diag
from sklearn.base import BaseEstimator, RegressorMixin
from xgboost import XGBRegressor

from models_py.net import Net

Bounds = Sequence[tuple[float, float]]


class Student(RegressorMixin, BaseEstimator):
    """An ensemble of nets with two hidden layers; it predicts their mean.

    Args:
        members: number of nets.
        hidden: widths of the two hidden layers.
        epochs: passes over all rows, including the changed songs.
        batch_size: rows in a training step.
        learning_rate: see `Net`.
        weight_decay: see `Net`.
        copies: number of changed copies of each song.
        jitter: standard deviation of a change, in standard deviations of the feature; each feature
            changes with probability 1/2.
        anywhere: share of the copies whose features are drawn uniformly between the bounds.
        label_weight: weight of the label in the target of a real song; the teacher has the rest.
            The target of a copy is the teacher's prediction.

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
        """Train the nets; return the fitted student.

        Args:
            features: shape (n, k); the features that may change are first.
            label: shape (n,).
            teacher: fitted on the same rows.
            bounds: the lowest and the highest value of each feature that may change.
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
        target = self.label_weight * label + (1 - self.label_weight) * teacher.predict(features)
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
            np.concatenate([target, *(teacher.predict(songs) for songs in changed)]),
        )

    def _changed(
        self, features: np.ndarray, bounds: Bounds, rng: np.random.Generator
    ) -> np.ndarray:
        """Return a changed copy of each song (n, k)."""
        low, high = np.array(bounds).T
        free = features[:, : len(bounds)]
        step = self.jitter * free.std(axis=0) * rng.normal(size=free.shape)
        near = free + step * (rng.random(free.shape) < 0.5)
        # Values of real songs may lie outside the bounds.
        near = np.clip(near, np.minimum(low, free), np.maximum(high, free))
        is_anywhere = rng.random((len(free), 1)) < self.anywhere
        changed = np.where(is_anywhere, rng.uniform(low, high, free.shape), near)
        return np.hstack([changed, features[:, len(bounds) :]])

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the mean prediction of the nets (n,) for features (n, k)."""
        return np.mean([net.predict(features) for net in self.nets_], axis=0)

    def as_net(self) -> Net:
        """Return one net that computes the mean, with the nets as parallel parts of its layers."""
        first, *others = zip(*(net.layers_ for net in self.nets_), strict=True)
        layers = [tuple(np.concatenate(values) for values in zip(*first, strict=True))]
        for parts in others:
            matrices, offsets = zip(*parts, strict=True)
            layers.append((block_diag(*matrices), np.concatenate(offsets)))
        weights, intercepts = layers.pop()
        layers.append((weights.mean(axis=0, keepdims=True), intercepts.mean(keepdims=True)))
        whole = Net(hidden=tuple(len(intercepts) for _, intercepts in layers[:-1]))
        whole.layers_ = layers
        return whole
