"""The number of faults to try, and their outcomes."""

import os
from collections import Counter
from collections.abc import Callable

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, settings


def size(variable: str, ordinary: int) -> int:
    """Return the number in an environment variable, or a default that suits every run."""
    return int(os.environ.get(variable) or ordinary)


def show(title: str, outcomes: Counter) -> None:
    """Print the outcomes; pytest shows them with -s."""
    counts = ", ".join(f"{name}: {count:,}" for name, count in sorted(outcomes.items()))
    print(f"\n{title}: {outcomes.total():,} ({counts})")


def outcomes_of(strategy: st.SearchStrategy, count: int, evaluate: Callable[..., str]) -> Counter:
    """Count the outcomes of this many values of a strategy, which are the same in each run.

    If `evaluate` raises, hypothesis looks for the smallest value for which it does.
    """
    outcomes = Counter()

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def evaluate_one(value):
        outcomes[evaluate(value)] += 1

    evaluate_one()
    return outcomes


def generated(strategy: st.SearchStrategy, count: int) -> list:
    """Return this many values of a strategy, which are the same in each run."""
    values = []
    outcomes_of(strategy, count, values.append)
    return values
