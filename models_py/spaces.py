"""Search spaces: the hyperparameters that `hitparade tune` varies, by algorithm.

Hyperparameters outside a space keep their present value. An algorithm without a space is not
searched. The SQL backend evaluates the models too, so the ranges are small: at most 300 trees, a
depth of 10, and layers of 64.
"""

import warnings
from typing import TYPE_CHECKING, Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.distributions import FloatDistribution as Number
from optuna.distributions import IntDistribution as Whole

if TYPE_CHECKING:  # it needs generated files, and `hitparade generate` imports this module
    from models_py.tasks import Task

Space = dict[str, BaseDistribution]


def one_of(*choices: Any) -> CategoricalDistribution:
    """Return a choice among lists.

    Optuna warns about lists, because it cannot store them in a database; no search here uses one.
    """
    with warnings.catch_warnings(action="ignore"):
        return CategoricalDistribution(choices)


FOREST: Space = {
    "n_estimators": Whole(50, 200, step=10),
    "max_depth": Whole(3, 10),
    "min_samples_leaf": Whole(3, 100, log=True),
    "max_features": Number(0.2, 1.0),
}
BOOSTED: Space = {
    "n_estimators": Whole(50, 300, step=10),
    "max_depth": Whole(2, 6),
    "learning_rate": Number(0.01, 0.3, log=True),
    "subsample": Number(0.5, 1.0),
    "colsample_bytree": Number(0.5, 1.0),
    "min_child_weight": Number(1, 50, log=True),
    "reg_lambda": Number(0.1, 30, log=True),
}
NET: Space = {
    "hidden": one_of([32, 32], [64, 32], [64, 64], [32, 32, 32]),
    "epochs": Whole(15, 60, step=5),
    "learning_rate": Number(5e-4, 1e-2, log=True),
    "weight_decay": Number(1e-4, 1.0, log=True),
}
SPACES: dict[str, Space] = {
    "logistic_regression": {"C": Number(1e-4, 100, log=True)},
    "ridge": {"ridge__alpha": Number(1e-2, 1e4, log=True)},
    "random_forest": FOREST,
    "xgboost": BOOSTED,
    "mlp": NET,
    "hybrid": NET | {"label_weight": Number(0.0, 1.0)},
}


def space_of(task: "Task", algorithm: str) -> Space:
    """Return the search space of an algorithm, with the bounds that the task declares.

    Raises:
        KeyError: the algorithm has no space, or the task bounds a hyperparameter outside it.
    """
    space = dict(SPACES[algorithm])
    for name, bounds in task.search.get(algorithm, {}).items():
        space[name] = type(space[name])(**bounds)
    return space
