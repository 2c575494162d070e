"""ONNX files as converters write them by default: ZipMap, other types, several inputs."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxmltools
import skl2onnx
from onnxmltools.convert.common.data_types import FloatTensorType as Floats
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingRegressor, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from benchmarks.estimators import rows
from benchmarks.estimators.boosting import ROUNDS, TARGETS
from benchmarks.estimators.cases import Case, Subject, subject

FAMILY = "files"
WIDTH = 4
FREE = [("X", FloatTensorType([None, WIDTH]))]
FLOATS = [("X", Floats([None, WIDTH]))]  # the same for onnxmltools
Export = Callable[[Any], onnx.ModelProto]


def cases() -> list[Case]:
    """The files of each converter."""
    made = {f"skl2onnx, {name}": make for name, make in _skl2onnx().items()}
    made |= {f"onnxmltools, {name}": make for name, make in _onnxmltools().items()}
    made |= {f"CatBoost, {name}": partial(_catboost, name) for name in TARGETS}
    return [Case(FAMILY, name, make) for name, make in made.items()]


def _file(
    model: Any,
    target: np.ndarray,
    export: Export,
    seen: np.ndarray = rows.ROWS,
    labels: list[str] | None = None,
) -> Subject:
    """Fit a model, and give its file together with its right answers."""
    model.fit(seen, target)
    new = rows.recombined(seen) if seen is rows.COUNTS else None
    found = subject(model, seen, new, labels, export(model).SerializeToString())
    right = found.answers.get("predict_proba") or next(iter(found.answers.values()))
    return Subject(**vars(found) | {"expected": right})


def _as(*types: Any, **options: Any) -> Export:
    """Return an export by skl2onnx of inputs of these types."""
    return lambda model: skl2onnx.to_onnx(model, initial_types=list(types), options=options or None)


def _skl2onnx() -> dict[str, Callable[[], Subject]]:
    logistic = partial(LogisticRegression, max_iter=5_000)
    forest = partial(RandomForestClassifier, n_estimators=10, random_state=0)
    boosted = partial(GradientBoostingRegressor, n_estimators=10, random_state=0)
    plain = {"zipmap": False}
    three = (rows.SCALED @ [1, 1, 0, 0] > 0).astype(int) + (rows.SCALED[:, 2] > 0)

    def file(model: Callable[[], Any], target: Any, export: Export, **given: Any) -> Callable:
        return lambda: _file(model(), target, export, **given)

    return {
        "ZipMap, texts, 2 classes": file(logistic, rows.YES_OR_NO, _as(*FREE)),
        "ZipMap, texts, 3 classes": file(forest, rows.MOODS, _as(*FREE)),
        "ZipMap, numbers": file(logistic, three, _as(*FREE), labels=["a", "b", "c"]),
        "ZipMap by columns": file(logistic, rows.MOODS, _as(*FREE, zipmap="columns")),
        "without ZipMap": file(logistic, rows.MOODS, _as(*FREE, **plain)),
        "double input, linear": file(
            LinearRegression, rows.AMOUNT, _as(("X", DoubleTensorType([None, WIDTH])))
        ),
        "double input, trees": file(
            boosted, rows.AMOUNT, _as(("X", DoubleTensorType([None, WIDTH])))
        ),
        "int64 input": file(
            LinearRegression,
            rows.AMOUNT,
            _as(("X", Int64TensorType([None, WIDTH]))),
            seen=rows.COUNTS,
        ),
        "fixed batch of 1": file(boosted, rows.AMOUNT, _as(("X", FloatTensorType([1, WIDTH])))),
        "no number of inputs": file(
            LinearRegression, rows.AMOUNT, _as(("X", FloatTensorType([None, None])))
        ),
        "IsolationForest": file(
            partial(IsolationForest, n_estimators=10, random_state=0),
            None,
            lambda model: skl2onnx.to_onnx(
                model, initial_types=FREE, target_opset={"": 18, "ai.onnx.ml": 3}
            ),
        ),
        "LinearDiscriminantAnalysis": file(
            LinearDiscriminantAnalysis, rows.YES_OR_NO, _as(*FREE, **plain)
        ),
    }


def _onnxmltools() -> dict[str, Callable[[], Subject]]:
    import lightgbm
    import xgboost

    few: dict[str, Any] = {"n_estimators": ROUNDS, "n_jobs": 1}
    quiet = few | {"verbose": -1, "random_state": 0}
    forest = quiet | {"boosting_type": "rf", "bagging_fraction": 0.7, "bagging_freq": 1}
    found: dict[str, Callable[[], Subject]] = {}
    for name, (target, labels) in TARGETS.items():
        kind = xgboost.XGBClassifier if labels else xgboost.XGBRegressor
        found[f"XGBoost, {name}"] = partial(_xgboost, partial(kind, **few), target, labels)
        kind = lightgbm.LGBMClassifier if labels else lightgbm.LGBMRegressor
        zipmaps: dict[str, dict] = (
            {"": {}, ", without ZipMap": {"zipmap": False}} if labels else {"": {}}
        )
        for more, options in zipmaps.items():
            for booster, given in {"": quiet, " random forest": forest}.items():
                found[f"LightGBM{booster}, {name}{more}"] = partial(
                    _lightgbm, partial(kind, **given), target, options, labels
                )
    forest_of_three = partial(xgboost.XGBRFClassifier, **few)
    found["XGBoost random forest, 3 classes"] = partial(
        _xgboost, forest_of_three, *TARGETS["3 classes"]
    )
    return found


def _xgboost(make: Callable[[], Any], target: np.ndarray, labels: Any) -> Subject:
    export = partial(onnxmltools.convert_xgboost, initial_types=FLOATS)
    return _file(make(), target, export, labels=labels)


def _lightgbm(make: Callable[[], Any], target: np.ndarray, options: dict, labels: Any) -> Subject:
    export = partial(onnxmltools.convert_lightgbm, initial_types=FLOATS, **options)
    return _file(make(), target, export, labels=labels)


def _catboost(name: str) -> Subject:
    import catboost

    target, labels = TARGETS[name]
    kind = catboost.CatBoostClassifier if labels else catboost.CatBoostRegressor
    given: dict[str, Any] = {"iterations": ROUNDS, "verbose": False, "thread_count": 1}
    return _file(
        kind(**given, allow_writing_files=False), target, _written_by_catboost, labels=labels
    )


def _written_by_catboost(model: Any) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        model.save_model(str(path), format="onnx")
        return onnx.load(path)
