"""Every class of scikit-learn that skl2onnx converts, and common variants of some."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from benchmarks.estimators import rows
from benchmarks.estimators.cases import Case, Subject, subject

FAMILY = "scikit-learn"
# Classes whose input is not a row of numbers.
OTHER_INPUTS = {
    "CountVectorizer": "takes texts",
    "DictVectorizer": "takes dictionaries",
    "FeatureHasher": "takes dictionaries",
    "KernelCenterer": "takes a matrix of kernels",
    "LabelBinarizer": "takes labels",
    "LabelEncoder": "takes labels",
    "TfidfVectorizer": "takes texts",
}
# Settings that keep fits short, for the classes that have them.
QUICK = {"random_state": 0, "n_estimators": 10}
COUNTED = (
    *("CategoricalNB", "ComplementNB", "MultinomialNB", "TfidfTransformer", "OneHotEncoder"),
    *("OrdinalEncoder", "TargetEncoder"),
)
SCALED = (
    *("GaussianProcessClassifier", "GaussianProcessRegressor", "KernelPCA"),
    *("MLPClassifier", "MLPRegressor", "NeighborhoodComponentsAnalysis"),
    *("PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "Perceptron"),
    *("SGDClassifier", "SGDOneClassSVM", "SGDRegressor", "GammaRegressor", "PoissonRegressor"),
    *("RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "TweedieRegressor"),
)
TWO_TARGETS = ("MultiOutputRegressor", "PLSRegression")
ONLY_TWO_CLASSES = ("TunedThresholdClassifierCV",)

Make = Callable[[], Subject]


def cases() -> list[Case]:
    """Every class that skl2onnx converts in its own module, and the variants."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # classes that will be removed
        found = _of_classes({kind.__name__: kind for kind in sklearn_operator_name_map})
    return found + [Case(FAMILY, name, make) for name, make in variants().items()]


def _of_classes(known: dict[str, type]) -> list[Case]:
    found = []
    for name, kind in sorted(known.items()):
        if not kind.__module__.startswith("sklearn.") or name.startswith("_"):
            continue  # skl2onnx's own classes, and parts of others
        if name in OTHER_INPUTS:
            found.append(Case(FAMILY, name, reason=OTHER_INPUTS[name]))
        else:
            found += _of_class(name, kind)
    return found


def _of_class(name: str, kind: type) -> list[Case]:
    if not is_classifier(_new(kind)):
        return [Case(FAMILY, name, partial(_made, kind, _target(name, kind)))]
    targets = {"2 classes": rows.YES_OR_NO, "3 classes": rows.MOODS}
    if name == "MultiOutputClassifier":
        targets = {"2 outputs": rows.FLAGS}
    if name in ONLY_TWO_CLASSES:
        del targets["3 classes"]
    return [
        Case(FAMILY, f"{name}, {count}", partial(_made, kind, target))
        for count, target in targets.items()
    ]


def _target(name: str, kind: type) -> np.ndarray:
    if name.startswith("MultiTask") or name in TWO_TARGETS:
        return rows.AMOUNTS
    return rows.AMOUNT if is_regressor(_new(kind)) else rows.MOODS


def _made(kind: type, target: np.ndarray) -> Subject:
    name = kind.__name__
    seen = rows.COUNTS if name in COUNTED else rows.SCALED if name in SCALED else rows.ROWS
    new = rows.recombined(seen) if name in COUNTED else None
    return subject(_new(kind).fit(seen, target), seen, new)


def _new(kind: type) -> Any:
    """Return an estimator with defaults where it has them."""
    settings = _settings().get(kind.__name__)
    if settings is None:
        return _quick(kind())
    return _quick(kind(**settings))


def _quick(model: Any) -> Any:
    known = model.get_params(deep=False)
    return model.set_params(**{name: value for name, value in QUICK.items() if name in known})


def _settings() -> dict[str, dict]:
    """The arguments that classes need, or that make their fits sensible on few rows."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    logistic = LogisticRegression(max_iter=5_000)
    classifiers = [("linear", logistic), ("tree", DecisionTreeClassifier(max_depth=3))]
    regressors = [("linear", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))]
    parts = [("scaled", StandardScaler(), [0, 1]), ("rest", "passthrough", [2, 3])]
    return {
        "ColumnTransformer": {"transformers": parts},
        "FeatureUnion": {"transformer_list": [("scaled", StandardScaler()), ("pca", PCA(2))]},
        "BayesianGaussianMixture": {"n_components": 3},
        "GaussianMixture": {"n_components": 3},
        "GaussianRandomProjection": {"n_components": 2},
        "GenericUnivariateSelect": {"param": 50},
        "GridSearchCV": {"estimator": logistic, "param_grid": {"C": [0.1, 1.0]}},
        "KMeans": {"n_clusters": 3},
        "KernelPCA": {"n_components": 2, "kernel": "rbf"},
        "LocalOutlierFactor": {"novelty": True},
        "LogisticRegression": {"max_iter": 5_000},
        "MiniBatchKMeans": {"n_clusters": 3},
        "MultiOutputClassifier": {"estimator": logistic},
        "MultiOutputRegressor": {"estimator": LinearRegression()},
        "NuSVC": {"nu": 0.2},
        "OneVsOneClassifier": {"estimator": logistic},
        "OneVsRestClassifier": {"estimator": logistic},
        "OneHotEncoder": {"handle_unknown": "ignore"},
        "Pipeline": {"steps": [("scaled", StandardScaler()), ("linear", logistic)]},
        "QuantileTransformer": {"n_quantiles": 20},
        "RFE": {"estimator": DecisionTreeClassifier(max_depth=3)},
        "RFECV": {"estimator": DecisionTreeClassifier(max_depth=3)},
        "RadiusNeighborsClassifier": {"radius": 9.0},
        "RadiusNeighborsRegressor": {"radius": 9.0},
        "SelectFromModel": {"estimator": logistic},
        "SelectKBest": {"k": 2},
        "SelectPercentile": {"percentile": 50},
        "StackingClassifier": {"estimators": classifiers},
        "StackingRegressor": {"estimators": regressors},
        "TunedThresholdClassifierCV": {"estimator": logistic},
        "VotingClassifier": {"estimators": classifiers, "voting": "soft"},
        "VotingRegressor": {"estimators": regressors},
    }


def variants() -> dict[str, Make]:
    """Settings of classes that change the form of the graph or of the answers."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import (
        ExtraTreesRegressor,
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
        VotingClassifier,
    )
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.mixture import GaussianMixture
    from sklearn.model_selection import GridSearchCV
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    linear = _settings()["VotingClassifier"]["estimators"]
    missing = rows.with_missing(rows.ROWS)

    def fitted(model: Any, target: Any, seen: np.ndarray = rows.ROWS, **given: Any) -> Make:
        return lambda: subject(_quick(model).fit(seen, target), seen, **given)

    grid = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]})
    logarithm = TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1)
    given = {"new": rows.with_missing(rows.unseen(rows.ROWS))}
    found: dict[str, Make] = {
        "DecisionTreeClassifier, missing values": fitted(
            DecisionTreeClassifier(max_depth=5), rows.MOODS, missing, **given
        ),
        "DecisionTreeRegressor, 2 targets": fitted(
            DecisionTreeRegressor(max_depth=5), rows.AMOUNTS
        ),
        "ExtraTreesRegressor, missing values": fitted(
            ExtraTreesRegressor(), rows.AMOUNT, missing, **given
        ),
        "GaussianMixture, 1 component": fitted(GaussianMixture(), None),
        "GridSearchCV of a regressor": fitted(grid, rows.AMOUNT),
        "HistGradientBoostingClassifier, missing values": fitted(
            HistGradientBoostingClassifier(max_iter=20), rows.YES_OR_NO, missing, **given
        ),
        "HistGradientBoostingClassifier, values closer than float32": fitted(
            HistGradientBoostingClassifier(max_iter=20), rows.YES_OR_NO, rows.CLOSE, new=rows.CLOSER
        ),
        "HistGradientBoostingRegressor, values closer than float32": fitted(
            HistGradientBoostingRegressor(max_iter=20), rows.AMOUNT, rows.CLOSE, new=rows.CLOSER
        ),
        "HistGradientBoostingClassifier, scaled whole numbers": fitted(
            HistGradientBoostingClassifier(max_iter=20), rows.MOODS, rows.WHOLE, new=rows.WHOLE_TOO
        ),
        "HistGradientBoostingRegressor, scaled whole numbers": fitted(
            HistGradientBoostingRegressor(max_iter=20), rows.AMOUNT, rows.WHOLE, new=rows.WHOLE_TOO
        ),
        "GradientBoostingRegressor, scaled whole numbers": fitted(
            GradientBoostingRegressor(), rows.AMOUNT, rows.WHOLE, new=rows.WHOLE_TOO
        ),
        "HistGradientBoostingRegressor, a column of categories": _with_categories,
        "ExtraTreesRegressor, 100 trees on 5,000 rows": _large,
        "LogisticRegression, classes with blanks and quotes": fitted(
            LogisticRegression(max_iter=5_000), np.char.add('it\'s "so" ', rows.MOODS)
        ),
        "HistGradientBoostingRegressor, missing values": fitted(
            HistGradientBoostingRegressor(max_iter=20), rows.AMOUNT, missing, **given
        ),
        "LinearRegression, 2 targets": fitted(LinearRegression(), rows.AMOUNTS),
        "LogisticRegression, classes are numbers": fitted(
            LogisticRegression(max_iter=5_000), rows.PURCHASES.clip(max=2), labels=[*"abc"]
        ),
        "LogisticRegression, classes are false and true": fitted(
            LogisticRegression(max_iter=5_000), rows.YES_OR_NO == "yes"
        ),
        "MLPClassifier, 2 labels at once": fitted(
            MLPClassifier((8,), max_iter=2_000), rows.FLAGS, rows.SCALED, labels=["hit", "live"]
        ),
        "MLPClassifier, tanh": fitted(
            MLPClassifier((8,), "tanh", max_iter=2_000), rows.MOODS, rows.SCALED
        ),
        "MLPRegressor, logistic": fitted(
            MLPRegressor(hidden_layer_sizes=(8,), activation="logistic", max_iter=2_000),
            rows.AMOUNT,
            rows.SCALED,
        ),
        "OneVsRestClassifier, 2 labels at once": fitted(
            OneVsRestClassifier(LogisticRegression(max_iter=5_000)),
            rows.FLAGS,
            labels=["hit", "live"],
        ),
        "RandomForestClassifier, missing values": fitted(
            RandomForestClassifier(), rows.MOODS, missing, **given
        ),
        "RandomForestRegressor, 2 targets": fitted(RandomForestRegressor(), rows.AMOUNTS),
        "TransformedTargetRegressor, logarithm": fitted(logarithm, rows.AMOUNT),
        "VotingClassifier, hard": fitted(VotingClassifier(linear), rows.MOODS),
    }
    for count, target in {"2 classes": rows.YES_OR_NO, "3 classes": rows.MOODS}.items():
        found[f"SVC, probability, {count}"] = fitted(SVC(probability=True), target, rows.SCALED)
    return found


def _with_categories() -> Subject:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=20, categorical_features=[0])
    seen = rows.COUNTS * [1, 2.5, 1, 1]
    return subject(
        model.fit(seen, rows.AMOUNT + 9 * (seen[:, 0] == 1)), seen, rows.recombined(seen)
    )


def _large() -> Subject:
    from sklearn.ensemble import ExtraTreesRegressor

    many = rows.recombined(rows.ROWS, 5_000)
    target = many[:, 0] + np.random.default_rng(0).normal(0, 9, len(many))
    return subject(ExtraTreesRegressor(n_jobs=1, random_state=0).fit(many, target), many)
