"""Random forests (Breiman 2001) with a fixed seed."""

from collections.abc import Mapping

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor


def regressor(params: Mapping) -> RandomForestRegressor:
    """Return a forest for numbers."""
    return RandomForestRegressor(random_state=0, n_jobs=1, **params)


def classifier(params: Mapping) -> RandomForestClassifier:
    """Return a forest for labels."""
    return RandomForestClassifier(random_state=0, n_jobs=1, **params)
