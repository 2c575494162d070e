"""Pipelines with functions of numpy, and targets that were transformed."""

import duckdb
import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import udfs
from models_py.estimators.functions import FUNCTIONS

RANDOM = np.random.default_rng(5)
ROWS, UNSEEN = (RANDOM.lognormal(0, 0.8, (rows, 3)) for rows in (400, 300))
AMOUNT = np.exp(1 + 0.3 * np.log(ROWS[:, 0]) + RANDOM.normal(0, 0.1, 400))
BOUNDS = {"a_min": 0, "a_max": 9}
# Pipelines that end in a line, by the function before it.
LINES = {
    function.__name__: lambda function=function: make_pipeline(
        FunctionTransformer(function), LinearRegression()
    )
    # 1 / x is infinite for 0, which a line does not take: rows made from the examples have it.
    for function in FUNCTIONS
    if function is not np.reciprocal
}
TARGETS = {
    "logarithm": lambda: TransformedTargetRegressor(
        LinearRegression(), func=np.log1p, inverse_func=np.expm1
    ),
    "logarithm, boosting": lambda: TransformedTargetRegressor(
        GradientBoostingRegressor(n_estimators=20), func=np.log, inverse_func=np.exp
    ),
    "square root, at the end of a pipeline": lambda: make_pipeline(
        StandardScaler(),
        TransformedTargetRegressor(LinearRegression(), func=np.sqrt, inverse_func=np.square),
    ),
    "scaler": lambda: TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
    "range": lambda: TransformedTargetRegressor(LinearRegression(), transformer=MinMaxScaler()),
    "quartiles": lambda: TransformedTargetRegressor(LinearRegression(), transformer=RobustScaler()),
    "not transformed": lambda: TransformedTargetRegressor(LinearRegression()),
    "of some columns": lambda: make_pipeline(
        make_column_transformer((FunctionTransformer(np.log1p), [0, 2]), (StandardScaler(), [1])),
        LinearRegression(),
    ),
}


@pytest.fixture
def connection(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        yield connection


def registered(connection, estimator) -> str:
    return udfs.register_model(
        connection, estimator, task="amount", inputs=["a", "b", "c"], examples=ROWS
    )


@pytest.mark.parametrize("name", [*LINES, *TARGETS])
def test_answers_are_those_of_the_estimator_on_both_backends(connection, name):
    estimator = (LINES | TARGETS)[name]().fit(ROWS, AMOUNT)
    model_id = registered(connection, estimator)
    query = "select onnx_predict(?, row)[1] from (select unnest(?::double[][]) as row)"
    expected = estimator.predict(UNSEEN)
    for _ in range(2):
        found = connection.execute(query, [model_id, UNSEEN.tolist()]).fetchall()
        assert [answer for (answer,) in found] == pytest.approx(expected, rel=1e-5, abs=1e-5)
        udfs.register(connection)


def test_several_targets_may_be_scaled(connection):
    both = np.column_stack([AMOUNT, 1_000 * ROWS[:, 1]])
    estimator = TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler())
    model_id = registered(connection, estimator.fit(ROWS, both))
    query = "select onnx_predict(?, row) from (select unnest(?::double[][]) as row)"
    for _ in range(2):
        found = connection.execute(query, [model_id, UNSEEN.tolist()]).fetchall()
        expected = pytest.approx(estimator.predict(UNSEEN), rel=1e-4)
        assert np.array([scores for (scores,) in found]) == expected
        udfs.register(connection)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (
            make_pipeline(FunctionTransformer(lambda rows: rows + 1), LinearRegression()),
            "FunctionTransformer applies <lambda>, and only these functions of numpy",
        ),
        (
            make_pipeline(FunctionTransformer(np.clip, kw_args=BOUNDS), LinearRegression()),
            "FunctionTransformer applies clip",
        ),
        (
            TransformedTargetRegressor(
                LinearRegression(), transformer=QuantileTransformer(n_quantiles=50)
            ),
            "its target is transformed by QuantileTransformer",
        ),
    ],
)
def test_other_functions_are_refused_with_the_reason(connection, estimator, message):
    with pytest.raises(udfs.ModelError, match=message):
        registered(connection, estimator.fit(ROWS, AMOUNT))
