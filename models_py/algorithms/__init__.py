"""The algorithms that a task may name. Each is a function from hyperparameters to an estimator.

To add one, write its function in the module of its family, add a line here, and add its search
space to `models_py.spaces`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

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
# Module and function as text, because importing all of them takes longer than an unchanged build.
ALGORITHMS: dict[Kind, dict[str, str]] = {
    "regression": REGRESSORS,
    "binary": CLASSIFIERS,
    "multiclass": CLASSIFIERS,
}


def module_of(kind: Kind, algorithm: str) -> str:
    """Return the name of the module that defines an algorithm.

    Raises:
        KeyError: the kind of task has no such algorithm.
    """
    return f"{__name__}.{ALGORITHMS[kind][algorithm].partition(':')[0]}"


def estimator(kind: Kind, algorithm: str, params: Mapping[str, Any]) -> Any:
    """Return an unfitted estimator with scikit-learn's interface.

    Raises:
        KeyError: the kind of task has no such algorithm.
        TypeError: the estimator's constructor does not know a hyperparameter.
        ValueError: its `set_params` does not know a hyperparameter.
    """
    function = ALGORITHMS[kind][algorithm].partition(":")[2]
    return getattr(import_module(module_of(kind, algorithm)), function)(params)
