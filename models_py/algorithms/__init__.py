"""The algorithms that a task may name, each a function from hyperparameters to an estimator.

Adding one is a line here, its function in the module of its family, and what `hitparade tune` may
search in `models_py.spaces`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # importing it would take longer than an unchanged build
    from sklearn.base import BaseEstimator

Kind = Literal["regression", "binary", "multiclass"]

REGRESSORS = {
    "linear_regression": "linear:linear_regression",
    "ridge": "linear:ridge",
    "random_forest": "forest:regressor",
    "xgboost": "boosting:regressor",
    "mlp": "nets:mlp",
    "hybrid": "nets:hybrid",
}
CLASSIFIERS = {
    "logistic_regression": "linear:logistic_regression",
    "random_forest": "forest:classifier",
    "xgboost": "boosting:classifier",
}
# Module and function of each: importing all of them would take longer than an unchanged build.
ALGORITHMS: dict[Kind, dict[str, str]] = {
    "regression": REGRESSORS,
    "binary": CLASSIFIERS,
    "multiclass": CLASSIFIERS,
}


def module_of(kind: Kind, algorithm: str) -> str:
    """Return the module that an algorithm stands in."""
    return f"{__name__}.{ALGORITHMS[kind][algorithm].partition(':')[0]}"


def estimator(kind: Kind, algorithm: str, params: Mapping[str, Any]) -> "BaseEstimator":
    """Return an estimator of scikit-learn's interface that is not fitted yet.

    Raises:
        TypeError: a hyperparameter that the estimator's constructor does not know.
        ValueError: a hyperparameter that its `set_params` does not know.
    """
    function = ALGORITHMS[kind][algorithm].partition(":")[2]
    return getattr(import_module(module_of(kind, algorithm)), function)(params)
