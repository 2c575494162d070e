"""A few models of other tools answer as their source does; tests/e2e has all of them."""

import re
import shutil
from pathlib import Path

import pytest

from benchmarks.estimators import boosting, files, page, scikit
from benchmarks.estimators.measure import Registry, measured

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


def test_a_failing_case_is_a_row_with_its_error(registry):
    (case,) = (case for case in scikit.cases() if case.name == "CountVectorizer")
    assert page.result(measured(registry, case)) == "not tried: takes texts"


def test_every_class_that_skl2onnx_converts_is_a_case():
    from skl2onnx._supported_operators import sklearn_operator_name_map

    names = {re.split(",", case.name)[0] for case in scikit.cases()}
    own = {"CastRegressor", "CastTransformer", "ReplaceTransformer", "_ConstantPredictor"}
    assert {kind.__name__ for kind in sklearn_operator_name_map} - names == own
