"""Random forests (Breiman 2001) with a fixed seed."""

from collections.abc import Mapping
from typing import Any

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor


def regressor(params: Mapping[str, Any]) -> RandomForestRegressor:
    """Return a random forest for regression."""
    return RandomForestRegressor(random_state=0, n_jobs=1, **params)


def classifier(params: Mapping[str, Any]) -> RandomForestClassifier:
    """Return a random forest for classification."""
    return RandomForestClassifier(random_state=0, n_jobs=1, **params)
