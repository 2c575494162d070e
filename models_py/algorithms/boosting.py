"""Gradient-boosted trees (Chen and Guestrin 2016) with a fixed seed."""

from collections.abc import Mapping

from xgboost import XGBClassifier, XGBRegressor


def regressor(params: Mapping) -> XGBRegressor:
    """Return boosted trees for numbers."""
    return XGBRegressor(random_state=0, n_jobs=1, **params)


def classifier(params: Mapping) -> XGBClassifier:
    """Return boosted trees for labels."""
    return XGBClassifier(random_state=0, n_jobs=1, **params)
