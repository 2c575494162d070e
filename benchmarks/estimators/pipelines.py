"""Pipelines over tables with named columns, as estimators and as files with one input per column.

The shapes are those that people write: numbers scaled or imputed, texts encoded, columns selected,
and any model behind.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.estimators import frames, rows
from benchmarks.estimators.cases import Case, NotExportedError, Subject, subject

FAMILY = "pipelines"
NEW = 500
FEW = {"n_estimators": 15, "random_state": 0}
Make = Callable[[], Any]


def cases() -> list[Case]:
    """Each pipeline as an estimator, and as a file if skl2onnx converts it."""
    found = []
    for name, (make, table) in (_of_numbers() | _with_texts()).items():
        found.append(Case(FAMILY, name, partial(_made, make, table)))
        if not any(library in name for library in ("XGBoost", "LightGBM")):
            found.append(Case(FAMILY, f"{name}, as a file", partial(_made, make, table, True)))
    for name, make in _on_matrices().items():
        found.append(Case(FAMILY, f"{name}, on a matrix", partial(_on_matrix, make)))
    return found


# A table: a function that makes it, and one that makes the target.
Table = tuple[Callable[..., pd.DataFrame], Callable[[pd.DataFrame], np.ndarray]]
FLOWERS: Table = (frames.flowers, frames.species)
LENGTHS: Table = (
    lambda *given: frames.flowers(*given).drop(columns="petal_width"),
    lambda table: table["petal_length"].to_numpy() * 1.7 + table["sepal_width"].to_numpy() ** 2,
)
PASSENGERS: Table = (frames.passengers, frames.survived)
CUSTOMERS: Table = (frames.customers, frames.churned)
LOANS: Table = (frames.loans, frames.interest)
AMOUNTS: Table = (
    lambda *given: frames.loans(*given).drop(columns="purpose"),
    lambda table: (table["amount"] * table["rate"]).to_numpy() / 100,
)


def _logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=5_000)


def _of_numbers() -> dict[str, tuple[Make, Table]]:
    """Pipelines over tables of numbers."""
    lengths = ["sepal_length", "petal_length"]
    scaled = ColumnTransformer([("scaled", StandardScaler(), lengths)], remainder="passthrough")
    union = FeatureUnion([("pca", PCA(2)), ("best", SelectKBest(f_regression, k=1))])
    return {
        "scaler, logistic regression": (
            lambda: make_pipeline(StandardScaler(), _logistic()),
            FLOWERS,
        ),
        "scaler, linear regression": (
            lambda: make_pipeline(StandardScaler(), LinearRegression()),
            LENGTHS,
        ),
        "min-max scaler, lasso": (lambda: make_pipeline(MinMaxScaler(), Lasso(0.01)), AMOUNTS),
        "scaler, decision tree": (
            lambda: make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=4)),
            FLOWERS,
        ),
        "scaler, random forest": (
            lambda: make_pipeline(StandardScaler(), RandomForestClassifier(**FEW)),
            FLOWERS,
        ),
        "scaler, gradient boosting, regression": (
            lambda: make_pipeline(StandardScaler(), GradientBoostingRegressor(**FEW)),
            AMOUNTS,
        ),
        "robust scaler, gradient boosting": (
            lambda: make_pipeline(RobustScaler(), GradientBoostingClassifier(**FEW)),
            FLOWERS,
        ),
        "scaler, XGBoost": (lambda: make_pipeline(StandardScaler(), _xgboost()), LENGTHS),
        "scaler, LightGBM": (lambda: make_pipeline(StandardScaler(), _lightgbm()), LENGTHS),
        "columns by name, linear regression": (
            lambda: make_pipeline(scaled, LinearRegression()),
            LENGTHS,
        ),
        "columns by name, logistic regression": (
            lambda: make_pipeline(scaled, _logistic()),
            FLOWERS,
        ),
        "columns by name, the others dropped": (
            lambda: make_pipeline(
                ColumnTransformer([("scaled", StandardScaler(), ["sepal_length"])]), _logistic()
            ),
            FLOWERS,
        ),
        "select best, linear regression": (
            lambda: make_pipeline(SelectKBest(f_regression, k=2), LinearRegression()),
            LENGTHS,
        ),
        "variance threshold, decision tree": (
            lambda: make_pipeline(VarianceThreshold(0.1), DecisionTreeRegressor(max_depth=4)),
            LENGTHS,
        ),
        "scaler, PCA, logistic regression": (
            lambda: make_pipeline(StandardScaler(), PCA(2), _logistic()),
            FLOWERS,
        ),
        "feature union, ridge": (lambda: make_pipeline(union, Ridge()), LENGTHS),
        "polynomials, ridge": (
            lambda: make_pipeline(MinMaxScaler(), PolynomialFeatures(2), Ridge()),
            LENGTHS,
        ),
        "bins, logistic regression": (
            lambda: make_pipeline(KBinsDiscretizer(4, encode="onehot-dense"), _logistic()),
            FLOWERS,
        ),
        "scaler, net": (
            lambda: make_pipeline(
                StandardScaler(), MLPClassifier((8,), max_iter=2_000, random_state=0)
            ),
            FLOWERS,
        ),
        "logarithm, linear regression": (
            lambda: make_pipeline(FunctionTransformer(np.log1p), LinearRegression()),
            AMOUNTS,
        ),
        "only a scaler": (lambda: make_pipeline(StandardScaler()), FLOWERS),
    }


def _with_texts() -> dict[str, tuple[Make, Table]]:
    """Pipelines over tables with texts or missing values."""
    imputed = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    frequent = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    passenger = ColumnTransformer(
        [("numbers", imputed, ["age", "fare"]), ("texts", frequent, ["sex", "embarked", "pclass"])]
    )
    hot = OneHotEncoder(handle_unknown="ignore")
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    customer, charges = ["contract", "payment"], ["tenure", "monthly_charges"]

    def encoded(encoder: Any, scaler: Any = "passthrough") -> ColumnTransformer:
        parts = [("texts", encoder, customer), ("numbers", scaler, charges)]
        return ColumnTransformer(parts, remainder="passthrough")

    loan = ColumnTransformer(
        [("purpose", hot, ["purpose"])], remainder="passthrough", sparse_threshold=0
    )
    simple = ColumnTransformer(
        [("numbers", imputed, ["age", "fare"]), ("texts", hot, ["sex", "embarked"])],
        remainder="passthrough",
    )
    classifiers: dict[str, Make] = {
        "logistic regression": _logistic,
        "random forest": partial(RandomForestClassifier, **FEW),
        "gradient boosting": partial(GradientBoostingClassifier, **FEW),
    }
    found: dict[str, tuple[Make, Table]] = {
        f"titanic, {name}": (partial(_behind, passenger, make), PASSENGERS)
        for name, make in classifiers.items()
    } | {
        f"titanic, texts without imputer, {name}": (partial(_behind, simple, make), PASSENGERS)
        for name, make in classifiers.items()
    }
    encoders = {
        "one-hot": encoded(hot, StandardScaler()),
        "ordinal": encoded(ordinal),
        "target encoder": encoded(TargetEncoder(random_state=0)),
    }
    for name, encoder in encoders.items():
        found[f"churn, {name}, logistic regression"] = (
            partial(_behind, encoder, _logistic),
            CUSTOMERS,
        )
        found[f"churn, {name}, random forest"] = (
            partial(_behind, encoder, partial(RandomForestClassifier, **FEW)),
            CUSTOMERS,
        )
    return found | {
        "churn, ordinal, hist gradient boosting": (
            partial(
                _behind, encoded(ordinal), partial(HistGradientBoostingClassifier, max_iter=15)
            ),
            CUSTOMERS,
        ),
        "credit, linear regression": (partial(_behind, loan, LinearRegression), LOANS),
        "credit, random forest": (
            partial(_behind, loan, partial(RandomForestRegressor, **FEW)),
            LOANS,
        ),
        "credit, XGBoost": (partial(_behind, loan, _xgboost), LOANS),
        "credit, LightGBM": (partial(_behind, loan, _lightgbm), LOANS),
        "imputer and forest, numbers by name": (
            lambda: make_pipeline(
                ColumnTransformer([("imputed", SimpleImputer(), ["age", "fare", "pclass"])]),
                RandomForestClassifier(**FEW),
            ),
            PASSENGERS,
        ),
    }


def _behind(before: Any, make: Make) -> Pipeline:
    return make_pipeline(before, make())


def _on_matrices() -> dict[str, Make]:
    """Pipelines over a matrix: columns have numbers and no names."""
    parts = [("scaled", StandardScaler(), [0, 1]), ("kept", "passthrough", [2, 3])]
    few = {"n_estimators": 15}
    return {
        "scaler, random forest": lambda: make_pipeline(
            StandardScaler(), RandomForestRegressor(**FEW)
        ),
        "min-max scaler, gradient boosting": lambda: make_pipeline(
            MinMaxScaler(), GradientBoostingRegressor(**FEW)
        ),
        "scaler, XGBoost": lambda: make_pipeline(StandardScaler(), _xgboost(**few)),
        "scaler, LightGBM": lambda: make_pipeline(StandardScaler(), _lightgbm(**few)),
        "columns by number, ridge": lambda: make_pipeline(ColumnTransformer(parts), Ridge()),
        "imputer, ridge": lambda: make_pipeline(SimpleImputer(), Ridge()),
    }


def _xgboost(**given: Any) -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(**{"n_estimators": 15} | given)


def _lightgbm(**given: Any) -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**{"n_estimators": 15, "verbose": -1, "n_jobs": 1} | given)


def _on_matrix(make: Make) -> Subject:
    return subject(make().fit(rows.ROWS, rows.AMOUNT), rows.ROWS)


def _made(make: Make, table: Table, is_file: bool = False) -> Subject:
    """Fit a pipeline on a table, and ask it about another table of the same kind."""
    rows_of, target_of = table
    seen, new = rows_of(), _changed(rows_of(NEW, 1))
    target = target_of(seen)
    model = make().fit(seen, target)
    labels = ["no", "yes"] if set(target) == {0, 1} else None
    content = _file(model, seen) if is_file else None
    return subject(model, seen, new, labels, content)


def _changed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which half of the numbers are means of two, and some texts are new."""
    changed = table.copy()
    for name in table.select_dtypes(object):
        changed.loc[table.index % 50 == 0, name] = "new"
    for name in table.select_dtypes("float"):
        means = (table[name] + table[name].shift(-1, fill_value=table[name].iloc[0])) / 2
        changed[name] = means.where(table.index % 2 == 0, table[name])
    return changed


def _file(model: Pipeline, table: pd.DataFrame) -> bytes:
    """Return a file with one input for each column, as skl2onnx's own guide shows."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    kinds = [
        (name, FloatTensorType([None, 1]) if kind.kind in "if" else StringTensorType([None, 1]))
        for name, kind in table.dtypes.items()
    ]
    is_classifier = hasattr(model, "predict_proba")
    options = {"zipmap": False} if is_classifier else None
    try:
        return skl2onnx.to_onnx(model, initial_types=kinds, options=options).SerializeToString()
    except Exception as error:  # the converters raise errors of many kinds
        raise NotExportedError("skl2onnx does not export it") from error
