"""Training, evaluation and export of candidates, on data small enough to reason about."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import root_mean_squared_error

from models_py import export, hit, log_streams, training
from udfs import portable


def table(task, rows=200, seed=0):
    """A feature table whose label depends on the first input, plus noise."""
    rng = np.random.default_rng(seed)
    inputs = {name: rng.uniform(0, 100, rows) for name in task.inputs}
    label = inputs[task.inputs[0]] / 10 + rng.normal(size=rows)
    if task.kind == "classification":
        label = label > np.median(label)
    keys = [f"{i:04}" for i in range(rows)]
    columns = {task.key: keys, "pair_key": keys, "fold": np.arange(rows) % 5}
    return pa.table(columns | inputs | {task.label: label})


TASKS = pytest.mark.parametrize("task", [hit.TASK, log_streams.TASK], ids=lambda task: task.name)


@TASKS
def test_rows_are_taken_in_the_order_of_the_key(task):
    rows = table(task)
    shuffled = rows.take(np.random.default_rng(1).permutation(rows.num_rows))
    one, other = training.examples(task, rows), training.examples(task, shuffled)
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.label, other.label)


@TASKS
def test_features_are_what_the_graph_will_see(task):
    features = training.examples(task, table(task)).features
    np.testing.assert_array_equal(features, features.astype(np.float32))


def test_the_stored_model_never_saw_the_rows_it_is_scored_on():
    task = log_streams.TASK
    rows = training.examples(task, table(task))
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    seen, held_out = rows.split(training.HOLDOUT)
    alone = LinearRegression().fit(seen.features, seen.label)
    rmse = next(score for score in candidate.scores if score.metric == "rmse")
    expected = root_mean_squared_error(held_out.label, alone.predict(held_out.features))
    assert rmse.holdout == pytest.approx(expected)
    assert (candidate.train_rows, candidate.holdout_rows) == (160, 40)
    assert training.rescore(task, candidate.onnx, rows) == pytest.approx(rmse.holdout, rel=1e-5)


def test_mean_and_spread_are_taken_over_the_folds():
    task = log_streams.TASK
    rows = training.examples(task, table(task))
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    folds = []
    for fold in range(5):
        seen, held_out = rows.split(fold)
        predicted = LinearRegression().fit(seen.features, seen.label).predict(held_out.features)
        folds.append(root_mean_squared_error(held_out.label, predicted))
    rmse = next(score for score in candidate.scores if score.metric == "rmse")
    assert (rmse.mean, rmse.sd) == pytest.approx((np.mean(folds), np.std(folds, ddof=1)))


def test_the_baseline_of_a_regression_is_the_mean_of_the_rows_seen():
    task = log_streams.TASK
    rows = training.examples(task, table(task))
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    seen, held_out = rows.split(training.HOLDOUT)
    rmse = next(score for score in candidate.scores if score.metric == "rmse")
    expected = np.sqrt(np.mean((held_out.label - seen.label.mean()) ** 2))
    assert rmse.baseline_holdout == pytest.approx(expected)


def test_the_input_that_matters_is_the_most_important():
    task = log_streams.TASK
    rows = training.examples(task, table(task))
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    assert max(candidate.importance, key=candidate.importance.get) == "bpm"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(hit.TASK, rows=20), "task hit has 20 rows to train on and needs 50: see"),
        (
            table(hit.TASK).set_column(7, "is_hit", pa.array([True] * 200)),
            "all rows of fold 0 have the same is_hit: give more data, or change",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_named(rows, message):
    with pytest.raises(training.TrainingError, match=message):
        training.examples(hit.TASK, rows)


def test_an_unknown_algorithm_is_named():
    rows = training.examples(hit.TASK, table(hit.TASK))
    with pytest.raises(training.TrainingError, match="no algorithm prophet: it knows logistic_"):
        training.train(hit.TASK, rows, {"prophet": {}})


def test_a_misspelt_hyperparameter_is_named():
    rows = training.examples(hit.TASK, table(hit.TASK))
    with pytest.raises(training.TrainingError, match="xgboost has no hyperparameter max_dpth"):
        training.train(hit.TASK, rows, {"xgboost": {"max_dpth": 3}})


@TASKS
def test_equal_models_have_equal_bytes_one_input_and_one_output(task):
    rows = training.examples(task, table(task))
    for algorithm in task.algorithms.values():
        one, other = (
            export.to_onnx(algorithm({}).fit(rows.features, rows.label), len(task.inputs))
            for _ in range(2)
        )
        assert one == other
        scores = export.run(one, rows.features)
        assert scores.shape == (200, 1 if task.kind == "regression" else 2)


def test_a_graph_that_disagrees_with_its_estimator_is_refused():
    rows = training.examples(log_streams.TASK, table(log_streams.TASK))
    one = LinearRegression().fit(rows.features, rows.label)
    other = LinearRegression().fit(rows.features, rows.label + 1)
    with pytest.raises(export.ExportError, match=r"differs from it by .*the model was not stored"):
        export.check_parity(export.to_onnx(one, 8), other, rows.features)


def test_a_graph_that_is_too_large_is_refused(monkeypatch):
    rows = training.examples(log_streams.TASK, table(log_streams.TASK))
    model = LinearRegression().fit(rows.features, rows.label)
    monkeypatch.setattr(export, "MAX_BYTES", 100)
    with pytest.raises(export.ExportError, match="use fewer or shallower trees"):
        export.to_onnx(model, 8)


def test_a_forest_is_translated_to_as_many_levels_as_its_deepest_tree_has():
    rows = training.examples(hit.TASK, table(hit.TASK))
    forest = hit.random_forest({"n_estimators": 10}).fit(rows.features, rows.label)
    found = portable.translate(export.to_onnx(forest, 4))
    trees = [tree.tree_ for tree in forest.estimators_]
    assert found["depth"] == max(tree.max_depth for tree in trees)
    assert len(found["next"]) == sum(tree.node_count for tree in trees)
    assert len(found["roots"]) == 10


def test_what_has_no_exact_form_in_sql_is_not_translated():
    rows = training.examples(log_streams.TASK, table(log_streams.TASK))
    three = LogisticRegression().fit(rows.features, np.arange(200) % 3)
    assert portable.translate(export.to_onnx(three, 8)) is None
