"""Uncertainty of an estimate by the cluster bootstrap (Efron 1979)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 1_000


def bootstrap(
    values: NDArray[np.float64], owners: NDArray[np.int64], draws: int = DRAWS
) -> NDArray[np.float64]:
    """Return the mean of the values in each bootstrap sample, shape (draws,).

    The questions of one playlist, or the songs of one artist, are not independent. Therefore
    whole owners are resampled, not single values. The seed is fixed: two calls with the same owners
    draw the same samples, so their results can be compared draw by draw (a paired bootstrap).

    Args:
        values: one number for each observation, shape (n,).
        owners: the playlist or artist of each observation, shape (n,).
        draws: the number of bootstrap samples.
    """
    _, clusters = np.unique(owners, return_inverse=True)
    totals, counts = np.bincount(clusters, weights=values), np.bincount(clusters)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=draws)
    return (drawn @ totals) / (drawn @ counts)


@dataclass(frozen=True)
class Estimate:
    """An estimate and its bootstrap distribution.

    Attributes:
        value: the estimate on all observations.
        draws: the estimate in each bootstrap sample, shape (draws,).
    """

    value: float
    draws: NDArray[np.float64]

    @classmethod
    def mean(cls, values: NDArray, owners: NDArray[np.int64]) -> "Estimate":
        """Return the mean of values (n,), resampled by their owners (n,)."""
        values = np.asarray(values, dtype=float)
        return cls(float(values.mean()), bootstrap(values, owners))

    def over(self, other: "Estimate") -> "Estimate":
        """Return the ratio to another estimate from the same observations."""
        return Estimate(self.value / other.value, self.draws / other.draws)

    def share_of(self, whole: "Estimate") -> "Estimate":
        """Return the ratio to another estimate from the same observations; 0 if that one is 0."""
        shares = np.zeros_like(self.draws)
        np.divide(self.draws, whole.draws, out=shares, where=whole.draws != 0)
        return Estimate(self.value / whole.value if whole.value else 0.0, shares)

    def root(self) -> "Estimate":
        """Return the square root, such as an RMSE from a mean squared error."""
        return Estimate(self.value**0.5, self.draws**0.5)

    def error(self, beside: "Estimate | None" = None) -> float:
        """Return the standard error.

        With `beside`, an estimate from the same observations, return the standard error of the
        difference.
        """
        return float((self.draws - (beside.draws if beside else 0)).std())

    def interval(self) -> tuple[float, float]:
        """Return the bounds of the 95 % percentile interval."""
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return float(low), float(high)
