"""Functions of numpy that a FunctionTransformer applies to each number, and inverses."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from models_py.estimators.building import Builder
from models_py.estimators.errors import UnsupportedError

Add = Callable[[Builder, str], str]


def added(builder: Builder, features: str, model: Any) -> str:
    """Add the function of a FunctionTransformer, and return the name of its numbers.

    Raises:
        UnsupportedError: it is none of FUNCTIONS, or has arguments of its own.
    """
    if model.func is None:
        return features
    if model.kw_args or model.func not in FUNCTIONS:
        name = getattr(model.func, "__name__", repr(model.func))
        known = ", ".join(sorted(function.__name__ for function in FUNCTIONS))
        raise UnsupportedError(
            f"FunctionTransformer applies {name}, and only these functions of numpy are known, "
            f"without arguments of their own: {known}. Apply it to the rows before, in SQL too"
        )
    return FUNCTIONS[model.func](builder, features)


def inverse(transformer: BaseEstimator) -> BaseEstimator:
    """Return an estimator that gives back what a fitted transformer of a target has transformed.

    Raises:
        UnsupportedError: the transformer is none of those below.
    """
    if isinstance(transformer, FunctionTransformer):
        return FunctionTransformer(transformer.inverse_func, kw_args=transformer.inv_kw_args)
    if not isinstance(transformer, StandardScaler | MinMaxScaler | RobustScaler | MaxAbsScaler):
        raise UnsupportedError(
            f"its target is transformed by {type(transformer).__name__}, and only a scaler or a "
            "function of numpy with its inverse is known: register its regressor_, and give its "
            "answers back in SQL"
        )
    targets = transformer.n_features_in_
    at_zero, at_one = transformer.inverse_transform(np.array([[0.0] * targets, [1.0] * targets]))
    linear = LinearRegression()
    linear.coef_, linear.intercept_ = np.diag(at_one - at_zero), at_zero
    linear.n_features_in_ = targets
    return linear


def _of(operator: str, factor: float = 1.0) -> Add:
    """Return an operator, whose numbers are multiplied by a factor."""

    def add(builder: Builder, features: str) -> str:
        found = builder.add(operator, features)
        return found if factor == 1 else builder.add("Mul", found, _number(builder, factor))

    return add


def _log1p(builder: Builder, features: str) -> str:
    return builder.add("Log", builder.add("Add", features, _number(builder, 1)))


def _expm1(builder: Builder, features: str) -> str:
    return builder.add("Sub", builder.add("Exp", features), _number(builder, 1))


def _square(builder: Builder, features: str) -> str:
    return builder.add("Mul", features, features)


def _number(builder: Builder, value: float) -> str:
    return builder.constant(np.full((1, 1), float(value)))


FUNCTIONS: dict[Callable, Add] = {
    np.abs: _of("Abs"),
    np.exp: _of("Exp"),
    np.expm1: _expm1,
    np.log: _of("Log"),
    np.log10: _of("Log", 1 / np.log(10)),
    np.log1p: _log1p,
    np.log2: _of("Log", 1 / np.log(2)),
    np.negative: _of("Neg"),
    np.reciprocal: _of("Reciprocal"),
    np.sqrt: _of("Sqrt"),
    np.square: _square,
    np.tanh: _of("Tanh"),
}
