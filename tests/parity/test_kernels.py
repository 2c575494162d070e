"""Explanations from the parameters of trees and linear models equal those of mixed songs."""

from collections.abc import Callable
from functools import cache

import numpy as np
import onnx
import pyarrow as pa
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from models_py import export
from tests import graph_models, hand_models
from udfs.graphs import set_missing
from udfs.runtime import explanations, shapley
from udfs.runtime.plans import Plan
from udfs.runtime.sessions import Model
from udfs.snowflake.explanations import Background

# Two numbers, one that never changes, and a one-hot group of three.
ARGUMENTS = [1, 2, 3, 4, 4, 4]
ROWS = 400
FORMS = {"all coalitions": 5, "permutations": 0}
SUMS: dict[str, tuple[Callable[[], object], int]] = {
    "forest": (lambda: RandomForestRegressor(20, max_depth=7, random_state=0), 0),
    "forest of two classes": (lambda: RandomForestClassifier(20, max_depth=7, random_state=0), 1),
    "the other class": (lambda: RandomForestClassifier(20, max_depth=7, random_state=0), 0),
    "forest of three classes": (lambda: RandomForestClassifier(20, random_state=0), 2),
    "boosted trees": (lambda: XGBRegressor(n_estimators=30, max_depth=4), 0),
    "trees without a condition": (lambda: XGBRegressor(n_estimators=3, max_depth=1, gamma=1e9), 0),
    "line": (LinearRegression, 0),
    "scaled line": (lambda: make_pipeline(StandardScaler(), LinearRegression()), 0),
}
BOOSTED = (lambda: XGBClassifier(n_estimators=30, max_depth=4), 1)


@cache
def songs() -> np.ndarray:
    """Rows on a grid, so that many are equal to a threshold."""
    rng = np.random.default_rng(5)
    numbers = rng.integers(-8, 8, (ROWS, 2)) / 4
    groups = np.eye(4)[rng.integers(0, 4, ROWS), :3]  # some have no member
    return np.hstack([numbers, np.full((ROWS, 1), 0.5), groups]).astype(np.float32)


@cache
def fitted(name: str) -> tuple[object, bytes]:
    make, _ = (SUMS | {"boosted classes": BOOSTED})[name]
    estimator, x = make(), songs()
    label = x[:, 0] * x[:, 1] + 2 * x[:, 3] - x[:, 4] * x[:, 0]
    if "class" in name:
        label = np.digitize(label, [0, 1] if "three" in name else [0])
    estimator.fit(x, label)
    return estimator, export.to_onnx(estimator, x.shape[1])


def plan(
    most: int, arguments: list[int] = ARGUMENTS, backgrounds: np.ndarray | None = None
) -> Plan:
    rows = songs()[:16] if backgrounds is None else backgrounds
    terms = ["average", *(f"x{i}" for i in range(1, 1 + max(arguments)))]
    names = [str(i) for i in range(len(arguments))]
    return Background(terms, arguments, rows.tolist(), most, names).plan.merged


def mixed(model: Model, plan: Plan, place: int, rows: np.ndarray) -> np.ndarray:
    """The terms by the scores of the mixed songs."""
    found = []
    for song in rows:
        mixes = np.where(plan.is_own, song, plan.backgrounds).astype(np.float32)
        found.append(model.run(["scores"], {"features": mixes})[0][:, place] @ plan.weights)
    return np.array(found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SUMS)
def test_a_sum_is_explained_without_mixing(name, form):
    _, content = fitted(name)
    model, of_form = Model("m", content), plan(FORMS[form])
    kernel = shapley.kernel(model, of_form, SUMS[name][1])
    assert kernel is not None
    found, expected = kernel(songs()[16:116]), mixed(model, of_form, SUMS[name][1], songs()[16:116])
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert (np.abs(found[:, 3]) < 1e-9).all()  # the argument that never changes
    assert len(np.unique(found[:, 1])) > 5 or name == "trees without a condition"


@pytest.mark.parametrize("place", [0, 1])
def test_a_probability_is_explained_without_mixing_if_there_are_few_coalitions(place):
    model, exact = Model("m", fitted("boosted classes")[1]), plan(5)
    kernel = shapley.kernel(model, exact, place)
    assert kernel is not None
    expected = mixed(model, exact, place, songs()[16:116])
    np.testing.assert_allclose(kernel(songs()[16:116]), expected, atol=1e-6)
    permutations = plan(0, [1, 2, 3, 4, 5, 6])
    assert shapley.kernel(model, permutations, place) is None


@pytest.mark.parametrize("name", ["forest", "boosted trees"])
def test_trees_are_explained_as_by_shap(name):
    shap = pytest.importorskip("shap", reason="the extra test is not there")
    estimator, content = fitted(name)
    each = plan(6, [1, 2, 3, 4, 5, 6])
    kernel = shapley.kernel(Model("m", content), each, 0)
    assert kernel is not None
    explainer = shap.TreeExplainer(estimator, songs()[:16], feature_perturbation="interventional")
    found, expected = kernel(songs()[16:116]), explainer.shap_values(songs()[16:116])
    np.testing.assert_allclose(found[:, 1:], expected, atol=2e-6)
    np.testing.assert_allclose(found[:, 0], explainer.expected_value, atol=2e-6)


@pytest.mark.parametrize("mode", ["BRANCH_LT", "BRANCH_LEQ"])
def test_a_value_at_a_threshold_goes_the_way_of_the_model(mode):
    content = graph_models.tree([mode] * 3)
    points = graph_models.rows_at(graph_models.thresholds_of(content), graph_models.WIDTH)
    rows = points.astype(np.float32)
    arguments = [*range(1, 1 + graph_models.WIDTH)]
    model, of_points = Model("m", content), plan(0, arguments, rows[:: len(rows) // 16])
    kernel = shapley.kernel(model, of_points, 0)
    assert kernel is not None
    np.testing.assert_allclose(kernel(rows), mixed(model, of_points, 0, rows), atol=1e-6)


def takes_missing() -> bytes:
    model = onnx.load_model_from_string(graph_models.tree(["BRANCH_LT"]))
    set_missing(model, [0])
    return model.SerializeToString()


OTHERS = {
    "greater": lambda: graph_models.tree(["BRANCH_GT"]),
    "average": graph_models.TREES["average"],
    "float64": graph_models.TREES["double"],
    "missing values": takes_missing,
    "a net": lambda: hand_models.net(),
    "a product": lambda: hand_models.sigmoid(),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_songs_of_another_model_are_mixed(name):
    model = Model("m", OTHERS[name]())
    arguments = [*range(1, 1 + (model.inputs or 0))]
    assert shapley.kernel(model, plan(0, arguments, np.ones((2, len(arguments)))), 0) is None


def test_a_leaf_of_too_many_arguments_is_mixed(monkeypatch):
    model = Model("m", fitted("forest")[1])
    assert shapley.kernel(model, plan(5), 0)
    monkeypatch.setattr("udfs.runtime.leaves.MOST_ARGUMENTS", 2)
    assert shapley.kernel(model, plan(5), 0) is None


def test_a_background_that_is_missing_a_value_is_mixed():
    rows = np.where(np.arange(6) == 1, np.nan, songs()[:4])
    assert shapley.kernel(Model("m", fitted("forest")[1]), plan(5, backgrounds=rows), 0) is None


def test_a_song_has_no_explanation_if_a_mixed_song_has_no_answer():
    unusable = np.where(np.arange(6) == 1, np.inf, songs()[:4])
    plans = {"all": plan(5), "none": plan(5, backgrounds=unusable)}
    model = Model("m", fitted("boosted classes")[1])
    names, models = (pa.chunked_array([one]) for one in (["all", "none", None, "all"], ["m"] * 4))
    features = pa.chunked_array([songs()[:4].astype(float).tolist()])
    found = explanations.onnx_explain(
        lambda _: model, plans.__getitem__, names, models, features, pa.chunked_array([[2] * 4])
    ).to_pylist()
    assert [one is None for one in found] == [False, True, True, False]
    assert found[0] != found[3]
