"""Linear models."""

from collections.abc import Mapping
from typing import Any

from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def linear_regression(params: Mapping[str, Any]) -> Pipeline:
    """Return ordinary least squares on standardized inputs.

    Without scaling, inputs as different as years and shares would lose precision in float32.
    """
    return make_pipeline(StandardScaler(), LinearRegression()).set_params(**params)


def ridge(params: Mapping[str, Any]) -> Pipeline:
    """Return a ridge regression on standardized inputs; `ridge__alpha` is its penalty."""
    return make_pipeline(StandardScaler(), Ridge()).set_params(**params)


def logistic_regression(params: Mapping[str, Any]) -> LogisticRegression:
    """Return a logistic regression with a solver that needs no scaled inputs."""
    return LogisticRegression(solver="newton-cholesky", **params)
