"""Random forests (Breiman 2001) with a fixed seed."""

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor


def regressor(params) -> RandomForestRegressor:
    """Return a forest for numbers."""
    return RandomForestRegressor(random_state=0, n_jobs=1, **params)


def classifier(params) -> RandomForestClassifier:
    """Return a forest for labels."""
    return RandomForestClassifier(random_state=0, n_jobs=1, **params)
