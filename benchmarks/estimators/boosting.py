"""XGBoost, LightGBM and CatBoost: each kind of trees, target and missing values."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.estimators import rows
from benchmarks.estimators.cases import Case, Subject, subject

NO_YES, MOODS = ["no", "yes"], ["calm", "party", "wild"]
# The classes as numbers, because XGBoost takes no others, and their names.
TARGETS = {
    "2 classes": ((rows.YES_OR_NO == "yes").astype(int), NO_YES),
    "3 classes": (np.searchsorted(MOODS, rows.MOODS), MOODS),
    "numbers": (rows.AMOUNT, None),
}
ROUNDS = 15


def cases() -> list[Case]:
    """The cases of the three libraries."""
    found = {"XGBoost": _xgboost(), "LightGBM": _lightgbm(), "CatBoost": _catboost()}
    return [Case(family, name, make) for family, made in found.items() for name, make in made]


Named = Iterator[tuple[str, Callable[[], Subject]]]


def _fitted(make: Callable[[], Any], target: np.ndarray, labels: Any, missing: bool) -> Subject:
    change = rows.with_missing if missing else np.array
    seen, new = change(rows.ROWS), change(rows.unseen(rows.ROWS))
    return subject(make().fit(seen, target), seen, new, labels)


def _xgboost() -> Named:
    import xgboost

    kinds = {
        "gbtree": (xgboost.XGBClassifier, xgboost.XGBRegressor, {}),
        "dart": (xgboost.XGBClassifier, xgboost.XGBRegressor, {"booster": "dart"}),
        "gblinear": (xgboost.XGBClassifier, xgboost.XGBRegressor, {"booster": "gblinear"}),
        "random forest": (xgboost.XGBRFClassifier, xgboost.XGBRFRegressor, {}),
    }
    for kind, (classifier, regressor, given) in kinds.items():
        for name, (target, labels) in TARGETS.items():
            make = partial(classifier if labels else regressor, n_estimators=ROUNDS, **given)
            yield f"{kind}, {name}", partial(_fitted, make, target, labels, False)
            if kind == "gbtree":
                yield (
                    f"{kind}, {name}, missing values",
                    partial(_fitted, make, target, labels, True),
                )
    objectives = {
        "count:poisson": rows.PURCHASES,
        "reg:gamma": rows.AMOUNT,
        "reg:tweedie": rows.AMOUNT,
        "reg:logistic": (rows.YES_OR_NO == "yes").astype(float),
        "reg:absoluteerror": rows.AMOUNT,
    }
    for objective, target in objectives.items():
        make = partial(xgboost.XGBRegressor, objective=objective, n_estimators=ROUNDS)
        yield objective, partial(_fitted, make, target, None, False)
    make = partial(xgboost.XGBRegressor, n_estimators=ROUNDS)
    yield "2 targets", partial(_fitted, make, rows.AMOUNTS, None, False)
    make = partial(xgboost.XGBRegressor, n_estimators=ROUNDS)
    yield "a DataFrame", partial(_on_frame, make)
    make = partial(xgboost.XGBRegressor, n_estimators=ROUNDS, enable_categorical=True)
    yield "a categorical column of pandas", partial(_with_category, make)
    make = partial(xgboost.XGBRegressor, n_estimators=200, early_stopping_rounds=3)
    yield "early stopping", partial(_stopped_early, make)


def _stopped_early(make: Callable[[], Any]) -> Subject:
    held_out = [(rows.ROWS[200:], rows.AMOUNT[200:])]
    model = make().fit(rows.ROWS[:200], rows.AMOUNT[:200], eval_set=held_out, verbose=False)
    return subject(model, rows.ROWS)


def _lightgbm() -> Named:
    import lightgbm

    given: dict[str, Any] = {"n_estimators": ROUNDS, "verbose": -1, "n_jobs": 1, "random_state": 0}
    forest: dict[str, Any] = {"bagging_fraction": 0.7, "bagging_freq": 1}
    kinds: dict[str, dict] = {"gbdt": {}, "dart": {}, "rf": forest}
    for kind, more in kinds.items():
        for name, (target, labels) in TARGETS.items():
            model = lightgbm.LGBMClassifier if labels else lightgbm.LGBMRegressor
            make = partial(model, boosting_type=kind, **given, **more)
            yield f"{kind}, {name}", partial(_fitted, make, target, labels, False)
            if kind == "gbdt":
                yield (
                    f"{kind}, {name}, missing values",
                    partial(_fitted, make, target, labels, True),
                )
    make = partial(lightgbm.LGBMRegressor, data_sample_strategy="goss", **given)
    yield "goss, numbers", partial(_fitted, make, rows.AMOUNT, None, False)
    make = partial(lightgbm.LGBMRegressor, objective="poisson", **given)
    yield "poisson", partial(_fitted, make, rows.PURCHASES, None, False)
    make = partial(lightgbm.LGBMRegressor, **given)
    pairs = {
        "values closer than float32": (rows.CLOSE, rows.CLOSER),
        "scaled whole numbers": (rows.WHOLE, rows.WHOLE_TOO),
    }
    for name, (seen, new) in pairs.items():
        yield f"numbers, {name}", partial(_with_rows, make, seen, new)
    yield "a DataFrame", partial(_on_frame, make)
    yield (
        "a categorical column of pandas",
        partial(_with_category, partial(lightgbm.LGBMRegressor, **given)),
    )


def _with_rows(make: Callable[[], Any], seen: np.ndarray, new: np.ndarray) -> Subject:
    return subject(make().fit(seen, rows.AMOUNT), seen, new)


def _on_frame(make: Callable[[], Any]) -> Subject:
    import pandas

    seen, new = (
        pandas.DataFrame(values, columns=rows.NAMES)
        for values in (rows.ROWS, rows.unseen(rows.ROWS))
    )
    return subject(make().fit(seen, rows.AMOUNT), seen, new)


def _with_category(make: Callable[[], Any]) -> Subject:
    import pandas

    def frame(values: np.ndarray) -> Any:
        made = pandas.DataFrame(values, columns=rows.NAMES)
        places = np.arange(len(made)) % 3
        return made.assign(city=pandas.Categorical(np.array(["Bern", "Lyon", "Oslo"])[places]))

    seen, new = frame(rows.ROWS), frame(rows.unseen(rows.ROWS))
    return subject(make().fit(seen, rows.AMOUNT + 9 * (seen["city"] == "Lyon")), seen, new)


def _catboost() -> Named:
    import catboost

    given: dict[str, Any] = {"iterations": ROUNDS, "verbose": False, "thread_count": 1}
    given |= {"allow_writing_files": False}
    for name, (target, labels) in TARGETS.items():
        model = catboost.CatBoostClassifier if labels else catboost.CatBoostRegressor
        make = partial(model, **given)
        yield name, partial(_fitted, make, target, labels, False)
        yield f"{name}, missing values", partial(_fitted, make, target, labels, True)
    make = partial(catboost.CatBoostRegressor, **given)
    yield "a DataFrame", partial(_on_frame, make)
    make = partial(catboost.CatBoostRegressor, cat_features=["city"], **given)
    yield "a column of categories", partial(_with_category, make)
