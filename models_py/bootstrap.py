"""How certain a figure is, by drawing its evidence again and again (Efron 1979)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 1_000


def bootstrap(
    values: NDArray[np.float64], owners: NDArray[np.int64], draws: int = DRAWS
) -> NDArray[np.float64]:
    """Return the mean of values (n) in each of many draws of their owners (draws).

    What belongs together, as the questions of one playlist or the songs of one artist, is no
    independent evidence: owners are drawn, not values. The draws are the same in every call with
    the same owners, so that figures of the same evidence can be compared draw by draw.

    Args:
        values: a number for each piece of evidence (n).
        owners: what each belongs to (n).
        draws: how many.
    """
    _, places = np.unique(owners, return_inverse=True)
    totals, counts = np.bincount(places, weights=values), np.bincount(places)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=draws)
    return (drawn @ totals) / (drawn @ counts)


@dataclass(frozen=True)
class Estimate:
    """A figure, and what it was in each draw."""

    value: float
    draws: NDArray[np.float64]

    @classmethod
    def mean(cls, values: NDArray, owners: NDArray[np.int64]) -> "Estimate":
        """Return the mean of values (n), drawn by their owners (n)."""
        values = np.asarray(values, dtype=float)
        return cls(float(values.mean()), bootstrap(values, owners))

    def over(self, other: "Estimate") -> "Estimate":
        """Return the ratio of two figures of the same evidence."""
        return Estimate(self.value / other.value, self.draws / other.draws)

    def share_of(self, whole: "Estimate") -> "Estimate":
        """Return the ratio to a figure of the same evidence; of nothing, in all or in a draw, 0."""
        shares = np.zeros_like(self.draws)
        np.divide(self.draws, whole.draws, out=shares, where=whole.draws != 0)
        return Estimate(self.value / whole.value if whole.value else 0.0, shares)

    def root(self) -> "Estimate":
        """Return the square root."""
        return Estimate(self.value**0.5, self.draws**0.5)

    def error(self, beside: "Estimate | None" = None) -> float:
        """Return the standard error, or that of the difference to another of the same evidence."""
        return float((self.draws - (beside.draws if beside else 0)).std())

    def interval(self) -> tuple[float, float]:
        """Return the interval of 95 %."""
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return float(low), float(high)
