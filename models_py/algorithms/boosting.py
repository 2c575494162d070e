"""Gradient-boosted trees (Chen and Guestrin 2016) with a fixed seed."""

from collections.abc import Mapping
from typing import Any

from xgboost import XGBClassifier, XGBRegressor


def regressor(params: Mapping[str, Any]) -> XGBRegressor:
    """Return boosted trees for regression."""
    return XGBRegressor(random_state=0, n_jobs=1, **params)


def classifier(params: Mapping[str, Any]) -> XGBClassifier:
    """Return boosted trees for classification."""
    return XGBClassifier(random_state=0, n_jobs=1, **params)
