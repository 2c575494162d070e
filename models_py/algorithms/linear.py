"""Linear models."""

from collections.abc import Mapping

from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def linear_regression(params: Mapping) -> Pipeline:
    """Return ordinary least squares, standardised so that float32 can hold years beside shares."""
    return make_pipeline(StandardScaler(), LinearRegression()).set_params(**params)


def ridge(params: Mapping) -> Pipeline:
    """Return a ridge regression over standardised inputs; `ridge__alpha` is its penalty."""
    return make_pipeline(StandardScaler(), Ridge()).set_params(**params)


def logistic_regression(params: Mapping) -> LogisticRegression:
    """Return a logistic regression whose solver does not mind inputs of different scales."""
    return LogisticRegression(solver="newton-cholesky", **params)
