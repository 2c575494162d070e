"""`udfs.evaluate`: metrics of registered models on labelled rows."""

from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

import udfs
from tests.hand_models import linear

RANDOM = np.random.default_rng(1)
ROWS = pd.DataFrame({"a": RANDOM.normal(size=600), "b": RANDOM.normal(size=600)})
NOISE = RANDOM.normal(0, 0.5, 600)
IS_HIGH = (ROWS["a"] - ROWS["b"] + NOISE > 0.3).to_numpy()
SIZE = np.where(ROWS["a"] > 0.8, "large", np.where(ROWS["a"] < -0.8, "small", "medium"))
LENGTH = (3 * ROWS["a"] + NOISE).to_numpy()


@pytest.fixture
def connection(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        yield connection


def registered(connection, estimator, task: str, labels) -> str:
    fitted = estimator.fit(ROWS, labels)
    return udfs.register_model(connection, fitted, task=task, examples=ROWS)


def stored(connection, model_id: str) -> dict[str, tuple]:
    query = "select metric, mean, sd, baseline_mean, is_primary from ml.model_metrics "
    found = connection.execute(query + "where model_id = ?", [model_id]).fetchall()
    return {name: rest for name, *rest in found}


@pytest.mark.parametrize("labels", [IS_HIGH, IS_HIGH.astype(int), IS_HIGH.astype(float)])
def test_metrics_of_a_boolean_are_those_of_scikit_learn(connection, labels):
    estimator = LogisticRegression()
    model_id = registered(connection, estimator, "high", IS_HIGH)
    found = udfs.evaluate(connection, model_id, ROWS[["b", "a"]], labels)
    chances = estimator.predict_proba(ROWS)[:, 1]
    assert found.metrics == pytest.approx(
        {
            "roc_auc": metrics.roc_auc_score(IS_HIGH, chances),
            "log_loss": metrics.log_loss(IS_HIGH, chances),
            "brier": metrics.brier_score_loss(IS_HIGH, chances),
            "accuracy": metrics.accuracy_score(IS_HIGH, chances > 0.5),
            "balanced_accuracy": metrics.balanced_accuracy_score(IS_HIGH, chances > 0.5),
            "f1": metrics.f1_score(IS_HIGH, chances > 0.5),
        },
        rel=1e-5,
    )
    # The baseline of F1 always predicts true.
    expected = metrics.f1_score(IS_HIGH, np.ones(600))
    assert (found.baseline["roc_auc"], found.baseline["f1"]) == (0.5, pytest.approx(expected))
    mean, sd, baseline, is_primary = stored(connection, model_id)["roc_auc"]
    assert (mean, baseline, is_primary) == (found.metrics["roc_auc"], 0.5, True)
    # Hanley and McNeil (1982), the standard error of the area under the curve
    q1, q2 = mean / (2 - mean), 2 * mean**2 / (1 + mean)
    positive, negative = IS_HIGH.sum(), (~IS_HIGH).sum()
    variance = mean * (1 - mean) + (positive - 1) * (q1 - mean**2) + (negative - 1) * (q2 - mean**2)
    assert sd == pytest.approx((variance / positive / negative) ** 0.5, rel=0.3)


def test_a_decision_value_is_no_probability(connection):
    estimator = LinearSVC()
    model_id = registered(connection, estimator, "high", IS_HIGH)
    found = udfs.evaluate(connection, model_id, ROWS, IS_HIGH)
    assert "log_loss" not in found.metrics and "brier" not in found.metrics
    expected = metrics.roc_auc_score(IS_HIGH, estimator.decision_function(ROWS))
    assert found.metrics["roc_auc"] == pytest.approx(expected)
    query = "select calibration, len(confusion) from ml.registered_models where model_id = ?"
    assert connection.execute(query, [model_id]).fetchall() == [([], 4)]


def test_metrics_of_labels(connection):
    estimator = LogisticRegression()
    model_id = registered(connection, estimator, "size", SIZE)
    found = udfs.evaluate(connection, model_id, ROWS, [*SIZE[:-1], None])
    answers = estimator.predict(ROWS)
    expected = metrics.accuracy_score(SIZE[:-1], answers[:-1])
    assert found.metrics["accuracy"] == pytest.approx(expected)
    assert found.baseline["accuracy"] == pytest.approx((SIZE[:-1] == "medium").mean())
    assert (found.rows, found.unlabelled, found.unanswered) == (599, 1, 0)
    query = "select importance from ml.registered_models where model_id = ?"
    ((importance,),) = connection.execute(query, [model_id]).fetchall()
    by_feature = {one["feature"]: one["importance"] for one in importance}
    assert by_feature["a"] > 0.2 > abs(by_feature["b"])


def test_metrics_of_a_number(connection):
    estimator = LinearRegression()
    model_id = registered(connection, estimator, "length", LENGTH)
    found = udfs.evaluate(connection, model_id, ROWS.to_numpy(), [*LENGTH[:-2], None, np.nan])
    answers = estimator.predict(ROWS)[:-2]
    expected = metrics.root_mean_squared_error(LENGTH[:-2], answers)
    assert found.metrics["rmse"] == pytest.approx(expected, rel=1e-5)
    assert found.baseline["rmse"] == pytest.approx(LENGTH[:-2].std())
    assert found.baseline["r2"] == pytest.approx(0, abs=1e-9)


def test_rows_without_an_answer_are_left_out(connection):
    model_id = registered(connection, LinearRegression(), "length", LENGTH)
    rows = ROWS.copy()
    rows.loc[:49, "a"] = np.nan
    found = udfs.evaluate(connection, model_id, rows, LENGTH)
    assert (found.rows, found.unanswered) == (550, 50)


def test_an_evaluation_replaces_the_one_before(connection):
    model_id = registered(connection, LinearRegression(), "length", LENGTH)
    first = udfs.evaluate(connection, model_id, ROWS, LENGTH)
    second = udfs.evaluate(connection, model_id, ROWS[:100], LENGTH[:100])
    assert second.metrics != first.metrics
    assert stored(connection, model_id)["rmse"][0] == second.metrics["rmse"]


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (ROWS, SIZE[:10], "there are 600 rows and 10 labels"),
        (ROWS.rename(columns={"a": "c"}), SIZE, "the model takes a, b, and the examples have c, b"),
        (ROWS.to_numpy()[:, :1], SIZE, "the rows have shape"),
        (ROWS, ["huge"] * 600, "there is no label 'huge': the labels are large, medium, small"),
        (ROWS, [None] * 600, "0 rows have both a label and an answer"),
    ],
)
def test_what_does_not_fit_is_refused(connection, rows, labels, message):
    model_id = registered(connection, LogisticRegression(), "size", SIZE)
    with pytest.raises(udfs.ModelError, match=message):
        udfs.evaluate(connection, model_id, rows, labels)
    assert stored(connection, model_id) == {}


def test_one_of_two_labels_is_not_enough(connection):
    model_id = registered(connection, LogisticRegression(), "high", IS_HIGH)
    with pytest.raises(udfs.ModelError, match="no row has the label false"):
        udfs.evaluate(connection, model_id, ROWS, [True] * 600)


def test_only_registered_models_are_evaluated(connection):
    ((trained,),) = connection.execute("select model_id from ml.champions limit 1").fetchall()
    with pytest.raises(udfs.ModelError, match=f"no model {trained} was registered"):
        udfs.evaluate(connection, trained, ROWS, LENGTH)


def test_a_model_of_two_tasks_is_evaluated_for_one(connection):
    found = [registered(connection, LinearRegression(), task, LENGTH) for task in ("one", "other")]
    assert len({*found}) == 1
    with pytest.raises(udfs.ModelError, match="registered for one, other: give one of them"):
        udfs.evaluate(connection, found[0], ROWS, LENGTH)
    udfs.evaluate(connection, found[0], ROWS, LENGTH, task="other")
    query = "select distinct task from ml.model_metrics where model_id = ?"
    assert connection.execute(query, found[:1]).fetchall() == [("other",)]


def test_several_numbers_are_compared_without_their_units(connection):
    both = np.column_stack([LENGTH, 1_000 * NOISE])
    model_id = registered(connection, LinearRegression(), "both", both)
    found = udfs.evaluate(connection, model_id, ROWS, both)
    answers = LinearRegression().fit(ROWS, both).predict(ROWS)
    assert found.metrics["r2"] == pytest.approx(metrics.r2_score(both, answers), rel=1e-5)
    assert found.baseline["r2"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        pd.array([None, *[1.0] * 599], dtype="Float64"),
        pd.array([np.inf, *[1.0] * 599], dtype="float64"),
        pd.Series([None, *[Decimal("1.5")] * 599], dtype=object),
    ],
    ids=["pandas", "infinite", "decimal"],
)
def test_values_that_cannot_be_used_are_no_answer(connection, values):
    model_id = registered(connection, LinearRegression(), "length", LENGTH)
    found = udfs.evaluate(connection, model_id, ROWS.assign(a=values), LENGTH)
    assert (found.rows, found.unanswered) == (599, 1)


def test_a_pruned_model_is_named_so(connection):
    model_id = registered(connection, LinearRegression(), "length", LENGTH)
    connection.execute("update ml.registered_models set onnx = null")
    with pytest.raises(udfs.ModelError, match="was pruned"):
        udfs.evaluate(connection, model_id, ROWS, LENGTH)


def test_a_file_is_evaluated_too(connection):
    model_id = udfs.register_model(connection, linear([3.0, 0.0], 0.0), task="x", inputs=["a", "b"])
    found = udfs.evaluate(connection, model_id, ROWS, 3 * ROWS["a"])
    assert found.metrics["rmse"] < 1e-6
