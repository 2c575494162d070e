"""A few models of other tools answer as their source does; tests/e2e has all of them."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.estimators import boosting, files, page, scikit
from benchmarks.estimators.measure import FIELDS, Registry, measured

CASES = {
    scikit: (
        "LinearRegression",
        "LogisticRegression, 3 classes",
        "RandomForestClassifier, 2 classes",
        "GradientBoostingRegressor",
        "MLPClassifier, 3 classes",
        "GaussianNB, 2 classes",
        "SVR",
        "VotingRegressor",
        "RandomForestRegressor, 2 targets",
    ),
    boosting: ("gbtree, 3 classes", "random forest, numbers"),
    files: ("skl2onnx, without ZipMap", "onnxmltools, LightGBM, numbers", "CatBoost, numbers"),
}


@pytest.fixture(scope="module")
def registry(small_warehouse, tmp_path_factory) -> Registry:
    folder = tmp_path_factory.mktemp("estimators")
    return Registry(Path(shutil.copy(small_warehouse.database, folder)))


@pytest.mark.parametrize("module", CASES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_accepted_models_are_right_on_rows_they_have_not_seen(registry, module):
    made = [case for case in module.cases() if case.name in CASES[module]]
    assert len(made) == len(CASES[module])
    for row in (measured(registry, case) for case in made):
        assert (page.result(row), row["other_labels"] or 0) == ("right", 0), row
        assert row["rows"] >= 500


def test_a_case_that_is_not_tried_has_its_reason(registry):
    (case,) = (case for case in scikit.cases() if case.name == "CountVectorizer")
    assert page.result(measured(registry, case)) == "not tried: takes texts"


def test_every_class_that_skl2onnx_converts_is_a_case():
    from skl2onnx._supported_operators import sklearn_operator_name_map

    names = {re.split(",", case.name)[0] for case in scikit.cases()}
    classes = {kind for kind in sklearn_operator_name_map if kind.__module__.startswith("sklearn.")}
    assert {kind.__name__ for kind in classes} - names == {"_ConstantPredictor"}


def test_wrong_answers_and_labels_are_counted(registry):
    """A source that differs from its model in the first rows."""
    (case,) = (one for one in scikit.cases() if one.name == "LogisticRegression, 3 classes")
    model = case.make()

    def other(rows):
        found = model.answers["predict_proba"](rows)
        found[:7] += 1e-4
        return found

    def labels(rows):
        return np.array(["none"] * 5 + [*model.predict(rows)[5:]])

    changed = replace(model, answers={"predict_proba": other}, predict=labels)
    row = measured(registry, replace(case, make=lambda: changed))
    assert (row["wrong_rows"], row["sql_wrong_rows"], row["other_labels"]) == (7, 7, 5)
    assert page.result(row) == "7 of 600 rows wrong"


def test_a_missing_answer_is_wrong(registry):
    (case,) = (one for one in scikit.cases() if one.name == "GaussianNB, 2 classes")
    model = case.make()
    rows = model.unseen.copy()
    rows[:3, 0] = np.nan
    answers = {"predict_proba": lambda rows: model.answers["predict_proba"](np.nan_to_num(rows))}
    changed = replace(model, unseen=rows, answers=answers, predict=None)
    row = measured(registry, replace(case, make=lambda: changed))
    assert (row["wrong_rows"], row["difference"]) == (3, float("inf"))


def test_an_error_of_a_case_is_its_result(registry):
    (case,) = (one for one in scikit.cases() if one.name == "Ridge")
    row = measured(registry, replace(case, make=lambda: 1 / 0))
    assert (page.result(row), row["message"]) == ("failed: ZeroDivisionError", "division by zero")


def test_the_page_hides_no_failure():
    rows = [
        dict.fromkeys(FIELDS) | {"family": "a", "case": "b", "outcome": outcome, "reason": "c"}
        for outcome in ("refused", "failed", "not tried")
    ]
    text = page.text(rows)
    assert "| a | 3 | 0 | 1 | 0 | 1 | 1 | 0 |" in text
    assert all(f"| b | {row['outcome']}: c |" in text for row in rows)
