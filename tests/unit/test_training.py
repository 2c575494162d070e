"""Training, evaluation and export of candidates, on small data."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.neural_network import MLPRegressor

from benchmarks import BenchError, quality
from models_py import export, metrics, runs, sql_backend, training
from models_py.algorithms import estimator
from models_py.examples import HOLDOUT, SettingsError, TrainingError, examples
from models_py.net import Net
from models_py.tasks import TASKS

# No row has the last genre: its column of the one-hot group is constant.
VOCABULARIES = {"genres": ["jazz", "pop", "zouk"]}


def table(task, rows=200, seed=0):
    """A feature table whose label depends on the first input, plus noise."""
    rng = np.random.default_rng(seed)
    inputs = {name: rng.uniform(0, 100, rows) for name in task.inputs}
    label = inputs[task.inputs[0]] / 10 + rng.normal(size=rows)
    if "genres" in inputs:
        inputs["genres"] = [[float(i % 2), float(i % 3 == 0), 0.0] for i in range(rows)]
    if task.kind != "regression":
        cuts = np.quantile(label, np.linspace(0, 1, len(task.outputs) + 1)[1:-1])
        label = np.array(task.outputs)[np.searchsorted(cuts, label)]
    if task.kind == "binary":
        label = label == "true"
    keys = [f"{i:04}" for i in range(rows)]
    columns = {task.key: keys, "pair_key": keys, "fold": np.arange(rows) % 5}
    return pa.table(columns | inputs | {task.label: label})


def examples_of(task):
    return examples(task, table(task), VOCABULARIES)


def train(task, algorithm, **params):
    (candidate,) = training.train(task, examples_of(task), {algorithm: params})
    return candidate


EVERY_TASK = pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)


@EVERY_TASK
def test_rows_are_taken_in_key_order(task):
    rows = table(task)
    shuffled = rows.take(np.random.default_rng(1).permutation(rows.num_rows))
    one, other = (examples(task, each, VOCABULARIES) for each in (rows, shuffled))
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.label, other.label)


@EVERY_TASK
def test_features_equal_the_input_of_the_graph(task):
    features = examples_of(task).features
    np.testing.assert_array_equal(features, features.astype(np.float32))


def test_the_stored_model_never_saw_the_rows_it_is_scored_on():
    task = TASKS["log_streams"]
    rows = examples_of(task)
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    seen, held_out = rows.split(HOLDOUT)
    alone = LinearRegression().fit(seen.features, seen.label)
    rmse = next(score for score in candidate.scores if score.metric == "rmse")
    expected = root_mean_squared_error(held_out.label, alone.predict(held_out.features))
    assert rmse.holdout == pytest.approx(expected)
    assert (candidate.train_rows, candidate.holdout_rows) == (160, 40)
    assert training.rescore(task, candidate.onnx, rows) == pytest.approx(rmse.holdout, rel=1e-5)


def test_mean_and_spread_are_taken_over_the_folds():
    task = TASKS["log_streams"]
    rows = examples_of(task)
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    folds = []
    for fold in range(5):
        seen, held_out = rows.split(fold)
        predicted = LinearRegression().fit(seen.features, seen.label).predict(held_out.features)
        folds.append(root_mean_squared_error(held_out.label, predicted))
    rmse = next(score for score in candidate.scores if score.metric == "rmse")
    assert (rmse.mean, rmse.sd) == pytest.approx((np.mean(folds), np.std(folds, ddof=1)))


def test_the_baseline_of_a_regression_is_the_mean_of_the_training_rows():
    task = TASKS["log_streams"]
    rows = examples_of(task)
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    seen, held_out = rows.split(HOLDOUT)
    rmse = next(score for score in candidate.scores if score.metric == "rmse")
    expected = np.sqrt(np.mean((held_out.label - seen.label.mean()) ** 2))
    assert rmse.baseline_holdout == pytest.approx(expected)


def test_the_input_that_matters_is_the_most_important():
    task = TASKS["log_streams"]
    rows = examples_of(task)
    (candidate,) = training.train(task, rows, {"linear_regression": {}})
    assert max(candidate.importance, key=candidate.importance.get) == "bpm"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(TASKS["hit"], rows=20), "task hit has 20 rows to train on and needs 50: see"),
        (
            table(TASKS["hit"]).set_column(7, "is_hit", pa.array([True] * 200)),
            "is_hit is false in only 0 of 5 folds, and 5 are needed: add data, or change",
        ),
    ],
)
def test_untrainable_rows_are_named(rows, message):
    with pytest.raises(TrainingError, match=message):
        examples(TASKS["hit"], rows)


def test_an_unknown_algorithm_is_named():
    rows = examples_of(TASKS["hit"])
    with pytest.raises(TrainingError, match="no algorithm prophet: use one of logistic_"):
        training.train(TASKS["hit"], rows, {"prophet": {}})


def test_a_misspelled_hyperparameter_is_named():
    rows = examples_of(TASKS["hit"])
    with pytest.raises(TrainingError, match="xgboost has no hyperparameter max_dpth"):
        training.train(TASKS["hit"], rows, {"xgboost": {"max_dpth": 3}})


@EVERY_TASK
def test_equal_models_have_equal_bytes_one_input_and_one_output(task):
    rows = examples_of(task)
    for algorithm in task.algorithms:
        fitted = (
            estimator(task.kind, algorithm, {}).fit(rows.features, rows.label) for _ in range(2)
        )
        one, other = (export.to_onnx(model, len(rows.names)) for model in fitted)
        assert one == other
        scores = export.run(one, rows.features)
        assert scores.shape == (200, len(task.outputs))


def test_a_graph_that_disagrees_with_its_estimator_is_refused():
    rows = examples_of(TASKS["log_streams"])
    one = LinearRegression().fit(rows.features, rows.label)
    other = LinearRegression().fit(rows.features, rows.label + 1)
    with pytest.raises(export.ExportError, match=r"differs from it by .*the model was not stored"):
        export.check_parity(export.to_onnx(one, 8), other, rows.features)


def test_a_graph_that_is_too_large_is_refused(monkeypatch):
    rows = examples_of(TASKS["log_streams"])
    model = LinearRegression().fit(rows.features, rows.label)
    monkeypatch.setattr(export, "MAX_BYTES", 100)
    with pytest.raises(export.ExportError, match="use fewer or shallower trees"):
        export.to_onnx(model, 8)


def test_a_translated_forest_has_as_many_levels_as_its_deepest_tree():
    rows = examples_of(TASKS["hit"])
    forest = estimator("binary", "random_forest", {"n_estimators": 10}).fit(
        rows.features, rows.label
    )
    found = sql_backend.translate(export.to_onnx(forest, 4))
    trees = [tree.tree_ for tree in forest.estimators_]
    assert found["depth"] == max(tree.max_depth for tree in trees)
    assert len(found["next"]) == sum(tree.node_count for tree in trees)
    assert len(found["roots"]) == 10


def test_a_net_with_another_activation_is_translated():
    rows = examples_of(TASKS["log_streams"])
    bent = MLPRegressor(hidden_layer_sizes=(3,), activation="tanh", max_iter=1)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        bent.fit(rows.features, rows.label)
    found = sql_backend.translate(export.to_onnx(bent, 8))
    assert [layer["activation"] for layer in found["layers"]] == ["Sigmoid", None]


def test_a_list_is_one_input_for_each_member():
    rows = examples_of(TASKS["tier"])
    assert rows.names[-4:] == ("is_single", "genres=jazz", "genres=pop", "genres=zouk")
    assert rows.groups[-4:] == ("is_single", "genres", "genres", "genres")
    np.testing.assert_array_equal(rows.features[:3, -3:], [[0, 1, 0], [1, 0, 0], [0, 0, 0]])


def test_a_label_is_its_index_among_the_outputs():
    rows = table(TASKS["tier"])
    expected = [TASKS["tier"].outputs.index(name) for name in rows["tier"].to_pylist()]
    assert examples(TASKS["tier"], rows, VOCABULARIES).label.tolist() == expected


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (["Flop"] * 150 + ["Hit"] * 50, "tier is Mid in only 0 of 5 folds, and 2 are needed"),
        (["Flop"] * 199 + ["Huge"], "tier is none of Flop, Mid, Hit, Viral in 1 rows"),
    ],
)
def test_an_invalid_label_is_named(label, message):
    rows = table(TASKS["tier"])
    rows = rows.set_column(rows.num_columns - 1, "tier", pa.array(label))
    with pytest.raises(TrainingError, match=message):
        examples(TASKS["tier"], rows, VOCABULARIES)


def test_the_columns_of_a_one_hot_group_are_shuffled_together():
    rows = examples_of(TASKS["popularity"])
    # The label is 1 if the genre is not jazz: the model can use either column of the group.
    label = 1 - rows.features[:, -3]
    both = rows.features.copy()
    both[:, -2] = label
    model = LinearRegression().fit(both, label)
    whole = training.Examples(rows.names, rows.groups, both, label, rows.fold)
    found = training.importance(TASKS["popularity"], export.to_onnx(model, both.shape[1]), whole)
    assert max(found, key=found.get) == "genres"
    # Shuffled, the label comes from another row and is right half of the time.
    assert found["genres"] == pytest.approx(np.sqrt(0.5), abs=0.1)


def test_every_metric_of_a_kind_has_a_baseline():
    for task, algorithm in ((TASKS["tier"], "xgboost"), (TASKS["hit"], "logistic_regression")):
        candidate = train(task, algorithm)
        assert {score.metric for score in candidate.scores} == set(metrics.METRICS[task.kind])
        gains = {s.metric: s.mean - s.baseline_mean for s in candidate.scores}
        assert all(
            (gain > 0) == s.higher_is_better
            for s, gain in zip(candidate.scores, gains.values(), strict=True)
        )
        assert all(score.gain_sd > 0 for score in candidate.scores)


def test_bins_and_cells_count_every_row_once_for_each_label():
    candidate = train(TASKS["tier"], "xgboost")
    assert sum(cell.rows for cell in candidate.confusion) == 200
    assert len(candidate.confusion) == 16
    for name in TASKS["tier"].outputs:
        bins = [found for found in candidate.calibration if found.label == name]
        assert sum(found.rows for found in bins) == 200
        assert sum(found.rows * found.observed for found in bins) == pytest.approx(50)
        assert all((b.bin - 1) / 10 <= b.predicted <= b.bin / 10 for b in bins)


def test_accuracy_is_the_diagonal_of_the_confusion():
    candidate = train(TASKS["tier"], "xgboost")
    right = sum(cell.rows for cell in candidate.confusion if cell.actual == cell.predicted)
    accuracy = next(score.mean for score in candidate.scores if score.metric == "accuracy")
    assert accuracy == pytest.approx(right / 200)


def test_macro_f1_counts_a_class_that_is_never_predicted():
    label = np.array([0, 0, 1, 2])
    scores = np.eye(3)[[0, 0, 1, 1]]
    found = metrics.score("multiclass", label, scores.clip(0.01, 0.98))
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["balanced_accuracy"] == pytest.approx((1 + 1 + 0) / 3)


def test_a_net_learns_a_nonlinear_curve():
    rng = np.random.default_rng(0)
    features = rng.uniform(-1, 1, (500, 2))
    label = 100 * np.abs(features[:, 0])
    net = Net(epochs=60, learning_rate=0.02).fit(features, label)
    assert root_mean_squared_error(label, net.predict(features)) < 5
    assert root_mean_squared_error(label, np.full(500, label.mean())) > 25


def test_a_net_gives_no_weight_to_a_constant_input():
    features = np.random.default_rng(0).uniform(size=(7480, 3))
    # The mean of many equal numbers may have a rounding error, so their deviation is not zero.
    features[:, 1] = 0.1
    assert features.std(axis=0)[1] > 0
    net = Net(epochs=1).fit(features, features[:, 0])
    other = features.copy()
    other[:, 1] = 1
    np.testing.assert_array_equal(net.predict(other), net.predict(features))


def test_a_net_trained_only_by_a_teacher_answers_like_the_teacher():
    rng = np.random.default_rng(0)
    features = rng.uniform(-1, 1, (500, 2))
    noise = features[:, 0] + 3 * rng.normal(size=500)
    teacher = {"n_estimators": 5, "max_depth": 2}
    options = {"epochs": 60, "learning_rate": 0.02, "dropout": 0.0}
    taught = Net(**options, teacher=teacher, label_weight=0.0).fit(features, noise)
    alone = Net(**options).fit(features, noise)
    answers = estimator("regression", "xgboost", teacher).fit(features, noise).predict(features)
    misses = [root_mean_squared_error(answers, net.predict(features)) for net in (taught, alone)]
    assert misses[0] < 0.5 * misses[1]


def without_held_out_rows(task):
    """A feature table without fold HOLDOUT."""
    rows = table(task)
    return rows.set_column(2, "fold", pa.array([1 + i % 4 for i in range(rows.num_rows)]))


def test_an_evaluation_without_held_out_rows_is_refused():
    task = TASKS["log_streams"]
    rows = examples(task, without_held_out_rows(task))
    with pytest.raises(TrainingError, match="folds 1, 2, 3, 4 only, and needs fold 0"):
        training.evaluate(task, LinearRegression(), rows)


def test_a_benchmark_without_held_out_rows_is_refused():
    task = TASKS["log_streams"]
    settings = {"linear_regression": {}}
    subject = quality.Subject(task, settings, without_held_out_rows(task), {}, is_real=False)
    with pytest.raises(BenchError, match=r"needs fold 0 and another.*\nSeed 0 of log_streams"):
        quality._check(subject, seeds=1)


@pytest.mark.parametrize("fold", [0, 3])
def test_rows_of_a_single_fold_are_refused(fold):
    rows = table(TASKS["log_streams"])
    alone = rows.set_column(2, "fold", pa.array([fold] * rows.num_rows))
    with pytest.raises(TrainingError, match=f"rows in the folds {fold} only, and needs fold 0"):
        training.train(
            TASKS["log_streams"], examples(TASKS["log_streams"], alone), {"linear_regression": {}}
        )


def test_unknown_settings_fail_the_build_and_too_little_data_does_not(caplog):
    """A training model fails, so that nobody takes the old models for newly trained ones."""
    rows = duckdb.from_arrow(table(TASKS["hit"]))
    with pytest.raises(SettingsError, match="xgboost has no hyperparameter n_estimator"):
        runs.train("hit", rows, {"xgboost": {"n_estimator": 5}}, {})
    few = duckdb.from_arrow(table(TASKS["hit"], rows=10))
    (refused,) = runs.train("hit", few, {"xgboost": {}}, {}).to_pylist()
    assert refused["model_id"] is None
    assert refused["refusal"].startswith("task hit has 10 rows to train on and needs 50: ")
    assert refused["refusal"] in caplog.text


def test_a_refusal_is_stored_once_and_followed_by_training_all_algorithms():
    settings = {"logistic_regression": {}, "random_forest": {"n_estimators": 2}}
    many, few = (duckdb.from_arrow(table(TASKS["hit"], rows=n)) for n in (100, 10))
    first = runs.train("hit", many, settings, {})
    refused = runs.train("hit", few, settings, {}, history=duckdb.from_arrow(first))
    history = duckdb.from_arrow(pa.concat_tables([first, refused]))
    assert runs.train("hit", few, settings, {}, history=history).num_rows == 0
    again = runs.train("hit", many, settings, {}, history=history)
    assert again["version"].to_pylist() == [2, 2]
    assert again["model_id"].to_pylist() == first["model_id"].to_pylist()


def test_a_label_that_is_the_same_in_all_rows_is_refused():
    rows = table(TASKS["popularity"])
    equal = rows.set_column(
        rows.column_names.index("popularity"), "popularity", pa.array([0.0] * rows.num_rows)
    )
    with pytest.raises(TrainingError, match=r"popularity is 0 in all .* rows, so there is nothing"):
        examples(TASKS["popularity"], equal, VOCABULARIES)
