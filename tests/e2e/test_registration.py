"""Registered models: stored, and callable immediately on both backends."""

import dataclasses
import hashlib
import io
import re
import warnings

import duckdb
import numpy as np
import pytest
import skl2onnx
import torch
from rich.console import Console
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

import udfs
from hitparade.cli import summary
from models_py import export
from models_py.registry_schema import SCHEMA
from tests import standard_models
from tests.hand_models import linear, net, softmax, softmax_of_two
from udfs.registry import register
from udfs.registry.validation import Refusal, validated

pytestmark = pytest.mark.slow

NAMES = ["energy", "valence", "tempo"]
ROWS = np.random.default_rng(5).random((300, 3)) * [1, 1, 200]
MOODS = ["calm", "party", "wild"]
LABELS = (ROWS[:, 0] + ROWS[:, 1] > 1).astype(int) + (ROWS[:, 2] > 150)


@pytest.fixture
def open_copy(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        yield connection


def answers(connection, model_id: str, rows=ROWS) -> list:
    query = "select onnx_predict(?, row) from (select unnest(?) as row)"
    return [found for (found,) in connection.execute(query, [model_id, rows.tolist()]).fetchall()]


def scores(connection, model_id: str, rows=ROWS) -> np.ndarray:
    return np.array(answers(connection, model_id, rows))


KIND = "select kind from ml.served_models where model_id = ?"
ESTIMATORS = {
    "regression": (LinearRegression(), ROWS @ [1, 2, 0.01]),
    "pipeline": (make_pipeline(StandardScaler(), LogisticRegression()), LABELS),
    "forest": (RandomForestClassifier(20, max_depth=5, random_state=0), LABELS),
    "boosting": (GradientBoostingRegressor(n_estimators=20, random_state=0), ROWS[:, 0]),
    "xgboost classifier": (XGBClassifier(n_estimators=10), LABELS),
    "xgboost regressor": (XGBRegressor(n_estimators=10), ROWS[:, 0]),
}


@pytest.mark.parametrize("case", ESTIMATORS)
def test_an_estimator_gives_its_python_answers_on_both_backends(open_copy, case):
    estimator, target = ESTIMATORS[case]
    estimator.fit(ROWS, target)
    expected = (
        estimator.predict_proba(ROWS)
        if hasattr(estimator, "predict_proba")
        else estimator.predict(ROWS)[:, None]
    )
    given = {"inputs": NAMES, "examples": ROWS}
    if expected.shape[1] > 1:
        given["labels"] = MOODS
    model_id = udfs.register_model(open_copy, estimator, task="mood", **given)
    assert scores(open_copy, model_id) == pytest.approx(expected, rel=1e-5, abs=1e-5)
    udfs.register(open_copy)
    assert scores(open_copy, model_id) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_test_models_of_the_onnx_standard_answer_or_are_refused_with_a_reason(open_copy):
    onnx_runtime = open_copy.cursor()
    udfs.register(onnx_runtime)
    answered = refused = 0
    for case in standard_models.cases():
        found = standard_models.graph(case)
        content = standard_models.with_any_n(found)
        try:
            inputs = [f"x{i}" for i in range(validated(content).inputs)]
        except Refusal as refusal:
            assert re.search("gives|cannot (run|load)|supports 7 to", str(refusal)), case.name
            refused += 1
            continue
        task = f"standard_{case.name}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not all of them have an SQL translation
            model_id = udfs.register_model(open_copy, content, task=task, inputs=inputs)
        rows, expected = standard_models.example(case)
        expected = expected.reshape(len(expected), -1)
        is_finite = np.isfinite(rows).all(axis=1)
        has_form = open_copy.execute(KIND, [model_id]).fetchone() != (None,)
        for backend in (onnx_runtime, open_copy) if has_form else (onnx_runtime,):
            found = answers(backend, model_id, rows)
            assert [answer is not None for answer in found] == is_finite.tolist(), case.name
            found = np.array([answer for answer in found if answer is not None])
            np.testing.assert_allclose(
                found, expected[is_finite], case.rtol, 1e-5, err_msg=case.name
            )
        answered += 1
    assert answered >= 15
    assert refused >= 40


def test_a_model_without_an_sql_translation_is_an_error_on_the_sql_backend(open_copy):
    estimator = KNeighborsClassifier().fit(ROWS, LABELS)
    given = {"inputs": NAMES, "labels": MOODS, "examples": ROWS}
    model_id = udfs.register_model(open_copy, estimator, task="mood", **given)
    with pytest.raises(duckdb.Error, match="has no SQL form: call it in Python"):
        scores(open_copy, model_id)
    udfs.register(open_copy)
    assert scores(open_copy, model_id) == pytest.approx(estimator.predict_proba(ROWS), abs=1e-5)


def layers(*ending: torch.nn.Module) -> list[torch.nn.Module]:
    return [torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4), *ending]


NETS = {
    "plain": layers(),
    "sigmoid": layers(torch.nn.Sigmoid()),
    "softmax after a normalization": [torch.nn.BatchNorm1d(3), *layers(torch.nn.Softmax(dim=-1))],
    "without intercepts": [torch.nn.Linear(3, 2, bias=False)],
    "one number for each row": [torch.nn.Linear(3, 1), torch.nn.Flatten(0)],
}


@pytest.mark.parametrize("case", NETS)
def test_a_torch_net_is_registered_by_its_bytes(open_copy, tmp_path, case):
    made = torch.nn.Sequential(*NETS[case]).eval()
    path = tmp_path / "net.onnx"
    rows = torch.tensor(ROWS / [1, 1, 200], dtype=torch.float32)
    dynamic = ({0: torch.export.Dim("n")},)
    torch.onnx.export(
        made, (rows,), path, opset_version=18, dynamic_shapes=dynamic, external_data=False
    )
    model_id = udfs.register_model(open_copy, path.read_bytes(), task="mood", inputs=NAMES)
    expected = made(rows).detach().numpy().reshape(len(rows), -1)
    for _ in range(2):
        found = scores(open_copy, model_id, rows.numpy())
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)
        udfs.register(open_copy)


def test_a_scikit_learn_net_is_translated_to_sql(open_copy):
    estimator = MLPClassifier((8,), max_iter=2_000, random_state=0).fit(ROWS / [1, 1, 200], LABELS)
    given = {"inputs": NAMES, "labels": MOODS, "examples": ROWS / [1, 1, 200]}
    model_id = udfs.register_model(open_copy, estimator, task="mood", **given)
    expected = estimator.predict_proba(ROWS / [1, 1, 200])
    assert scores(open_copy, model_id, ROWS / [1, 1, 200]) == pytest.approx(expected, abs=1e-5)


def test_the_registry_describes_a_registered_model(open_copy):
    estimator = LogisticRegression(C=0.5, max_iter=500).fit(ROWS, LABELS)
    given = {"inputs": NAMES, "labels": MOODS, "examples": ROWS}
    model_id = udfs.register_model(open_copy, estimator, task="mood", **given)
    row = open_copy.sql("from ml.registered_models").to_arrow_table()
    columns = [(field.name, field.type) for field in row.schema]
    assert columns == [(field.name, field.type) for field in SCHEMA]
    (row,) = row.to_pylist()
    assert (row["model_id"], row["task"], row["version"]) == (model_id, "mood", 1)
    assert row["algorithm"] == "logistic_regression"
    assert row["outputs"] == MOODS
    assert "C=0.5" in row["config"]
    assert [i["name"] for i in row["inputs"]] == NAMES
    assert [i["maximum"] for i in row["inputs"]] == pytest.approx(ROWS.max(axis=0))
    assert row["sha256"] == hashlib.sha256(row["onnx"]).hexdigest()
    session = export.session(row["onnx"])
    (found,) = session.run(["scores"], {"features": ROWS.astype(np.float32)})
    assert found == pytest.approx(estimator.predict_proba(ROWS), abs=1e-5)
    unusual = open_copy.execute("select check_features(?, [0.5, null, 999])", [model_id]).fetchall()
    assert unusual[0][0][0] == "valence is missing"
    assert "tempo is 999.0, outside the range" in unusual[0][0][1]


def test_registering_twice_adds_one_version_and_another_model_a_second(open_copy):
    first = udfs.register_model(open_copy, net(), task="mood", inputs=["a", "b"])
    assert udfs.register_model(open_copy, net(), task="mood", inputs=["a", "b"]) == first
    second = udfs.register_model(open_copy, linear([1.0, 2.0], 0.0), task="mood", inputs=["a", "b"])
    versions = "select version, model_id from ml.model_versions where task = 'mood' order by 1"
    assert open_copy.execute(versions).fetchall() == [(1, first), (2, second)]


def test_a_registered_model_of_a_trained_task_can_be_promoted(open_copy):
    examples = open_copy.sql("from features.feat_hit").to_arrow_table().to_pandas()
    names = ["danceability", "energy", "valence", "tempo"]
    estimator = RandomForestClassifier(20, max_depth=4, random_state=1)
    estimator.fit(examples[names], examples["is_hit"])
    model_id = udfs.register_model(open_copy, estimator, task="hit", examples=examples[names])
    udfs.promote(open_copy, "hit", model_id)
    rows = examples[names].head(20)
    expected = estimator.predict_proba(rows)[:, 1]
    query = "select predict_hit(t) from (select unnest(?, recursive := true)) as t"
    found = open_copy.execute(query, [rows.to_dict("records")]).fetchall()
    assert [p for (p,) in found] == pytest.approx(expected.tolist(), rel=1e-5)


def test_the_summary_of_a_build_names_a_registered_champion(small_copy, tmp_path):
    with duckdb.connect(small_copy.database) as connection:
        given = {"task": "log_streams", "algorithm": "ours"}
        model_id = udfs.register_model(connection, linear([0.1] * 8, 18.0), **given)
        udfs.promote(connection, "log_streams", model_id)
    printed = Console(file=io.StringIO(), width=200)
    summary.show(printed, small_copy.database)
    (line,) = re.findall(r"log_streams +(\w+) ", printed.file.getvalue())
    assert line == "ours"


REFUSALS = {
    "no names": ({"model": net()}, "has 2 inputs: give their names in order"),
    "too few names": ({"model": net(), "inputs": ["a"]}, "2 inputs, and 1 names were given"),
    "duplicate names": ({"model": net(), "inputs": ["a", "a"]}, "give 2 different names"),
    "too many labels": (
        {"model": softmax(), "inputs": ["a"], "labels": ["x", "y"]},
        "3 outputs, and 2 names were given",
    ),
    "numbered classes of a task with names": (
        {
            "model": XGBClassifier(n_estimators=2).fit(ROWS, (LABELS + (ROWS[:, 0] > 0.9)) % 4),
            "task": "tier",
            "inputs": NAMES,
            "examples": ROWS,
        },
        "have the scores Flop, Mid, Hit, Viral, and this one has 0, 1, 2, 3",
    ),
    "missing labels": (
        {"model": softmax_of_two(), "task": "hit", "inputs": ["a"]},
        "have the scores false, true, and this one has 2 without names: .*give labels for scores",
    ),
    "one score for two labels": (
        {
            "model": linear([0.1] * 4, 0.0),
            "task": "hit",
            "inputs": [*"abcd"],
            "labels": ["false", "true"],
        },
        "have the scores false, true, and this one has 1",
    ),
    "three scores for two labels": (
        {"model": softmax(), "task": "hit", "inputs": ["a"], "labels": ["0", "1"]},
        "have the scores false, true, and this one has 3",
    ),
    "labels in another order than the classes": (
        {
            "model": LogisticRegression(max_iter=9_999).fit(ROWS, np.array(MOODS)[LABELS]),
            "inputs": NAMES,
            "labels": ["party", "calm", "wild"],
            "examples": ROWS,
        },
        "the model's scores are in the order of its classes, calm, party, wild",
    ),
    "numbered classes": (
        {
            "model": LogisticRegression(max_iter=9_999).fit(ROWS, LABELS),
            "inputs": NAMES,
            "examples": ROWS,
        },
        "the model's classes are 0, 1, 2, and the labels of a task never change: give labels",
    ),
    "invalid task name": (
        {"model": net(), "inputs": ["a", "b"], "task": "My task"},
        "a task cannot be named 'My task'",
    ),
    "empty task name": (
        {"model": net(), "inputs": ["a", "b"], "task": ""},
        "'' is not a name for a task",
    ),
    "algorithm that is not text": (
        {"model": net(), "inputs": ["a", "b"], "algorithm": 5},
        "5 is not a name for a task or an algorithm",
    ),
    "text examples": (
        {"model": net(), "inputs": ["a", "b"], "examples": [["x", "y"]]},
        "rows .* of numbers: could not convert",
    ),
    "the name of another function": (
        {"model": linear([1.0], 0.0), "task": "streams", "inputs": ["a"]},
        "another task already has a function predict_streams",
    ),
    "the name of the check of another function": (
        {"model": linear([1.0], 0.0), "task": "features", "inputs": ["a"]},
        "another task already has a function check_features",
    ),
    "examples with too few columns": (
        {"model": net(), "inputs": ["a", "b"], "examples": [[1.0]]},
        "the model has 2 inputs, and the examples have 1 columns",
    ),
    "examples too large": (
        {"model": net(), "inputs": ["a", "b"], "examples": [[1e300, 1.0]]},
        r"finite numbers up to 1e\+15",
    ),
    "not a model": ({"model": object()}, "the object was not stored: it is not a fitted estimator"),
    "not fitted": (
        {"model": LogisticRegression(), "inputs": NAMES},
        "not a fitted estimator: fit it first",
    ),
    "no examples": (
        {"model": LinearRegression().fit(ROWS, ROWS[:, 0]), "inputs": NAMES},
        r"needs examples, rows \(n, 3\), .* and none were given",
    ),
    "examples with NaN": (
        {"model": net(), "inputs": ["a", "b"], "examples": [[1, float("nan")]]},
        "rows .* of finite numbers up to .* only some of a column may be missing",
    ),
    "not convertible": (
        {
            "model": GaussianProcessClassifier().fit(ROWS[:30], LABELS[:30]),
            "inputs": NAMES,
            "examples": ROWS[:30],
        },
        "the GaussianProcessClassifier was not stored: ",
    ),
    "other outputs": (
        {"model": net(), "task": "tier", "inputs": ["a", "b"]},
        "the models of task tier have the scores Flop, Mid, Hit, Viral, and this one has 1:",
    ),
    "labels in another order": (
        {
            "model": LogisticRegression(max_iter=9_999).fit(
                ROWS, np.array(["Flop", "Hit", "Mid", "Viral"])[(LABELS + (ROWS[:, 0] > 0.9)) % 4]
            ),
            "task": "tier",
            "inputs": NAMES,
            "examples": ROWS,
        },
        "have the scores Flop, Mid, Hit, Viral, and this one has Flop, Hit, Mid, Viral",
    ),
    "a number named like a text": (
        {
            "model": LogisticRegression(max_iter=9_999).fit(ROWS, LABELS),
            "inputs": ["sex=female", *NAMES[1:]],
            "examples": ROWS,
        },
        "sex=female is a number, and the name is that of a text of a column",
    ),
    "name of a trained algorithm": (
        {"model": softmax_of_two(), "task": "hit", "inputs": ["a"], "algorithm": "xgboost"},
        "task hit trains the algorithm xgboost itself",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_model_that_does_not_fit_is_refused_and_leaves_no_trace(open_copy, case):
    given, sentence = REFUSALS[case]
    with pytest.raises(udfs.ModelError, match=sentence):
        udfs.register_model(open_copy, **{"task": "mood"} | given)
    assert open_copy.execute("select count(*) from ml.registered_models").fetchall() == [(0,)]


def test_names_may_be_any_sequence(open_copy):
    estimator = LogisticRegression(max_iter=9_999).fit(ROWS, LABELS)
    given = {"inputs": np.array(NAMES), "labels": np.array(MOODS), "examples": ROWS.tolist()}
    model_id = udfs.register_model(open_copy, estimator, task="mood", **given)
    known = "select list_transform(inputs, lambda i: i.name), outputs from ml.registered_models"
    assert open_copy.execute(known).fetchall() == [(NAMES, MOODS)]
    assert scores(open_copy, model_id).shape == (len(ROWS), 3)


def test_an_unused_model_can_be_unregistered(open_copy):
    given = {"task": "mood", "inputs": ["a", "b"]}
    wrong, right = (
        udfs.register_model(open_copy, linear([a, 1.0], 0.0), **given) for a in (1.0, 2.0)
    )
    udfs.unregister_model(open_copy, wrong)
    with pytest.raises(duckdb.Error, match=f"no model {wrong} is served"):
        scores(open_copy, wrong, np.ones((1, 2)))
    udfs.promote(open_copy, "mood", right)
    with pytest.raises(udfs.ModelError, match="it was champion of task mood"):
        udfs.unregister_model(open_copy, right)
    with pytest.raises(udfs.ModelError, match=f"no model {wrong} was registered"):
        udfs.unregister_model(open_copy, wrong)


def test_a_registered_and_a_trained_model_of_one_name_are_kept_separate(open_copy):
    """Nothing can prevent equal names: a task may get a trained model after the registration."""
    given = {"task": "hit", "algorithm": "gbm", "labels": ["false", "true"]}
    model_id = udfs.register_model(open_copy, softmax_of_two(4), **given)
    udfs.promote(open_copy, "hit", model_id)
    open_copy.execute(
        "insert into ml.train_hit by name select * exclude (v) replace ('gbm' as algorithm, "
        "v as version, 'trained' || v as model_id) from ml.train_hit, "
        "(select cast(unnest([1, 2, 3, 4]) as integer) as v) "
        "where algorithm = 'xgboost' and version = 1"
    )
    before = scores(open_copy, model_id, np.ones((1, 4)))
    udfs.prune(open_copy, 1)
    assert scores(open_copy, model_id, np.ones((1, 4))).tolist() == before.tolist()
    served = "select count(*) from ml.served_models where model_id = ?"
    assert open_copy.execute(served, [model_id]).fetchall() == [(1,)]


def test_a_model_with_other_inputs_can_be_called_but_not_promoted(open_copy):
    given = {"inputs": ["a"], "labels": ["false", "true"], "algorithm": "own"}
    model_id = udfs.register_model(open_copy, softmax_of_two(), task="hit", **given)
    assert scores(open_copy, model_id, np.ones((1, 1)))[0] == pytest.approx(
        [1 / (1 + np.e), np.e / (1 + np.e)], rel=1e-6
    )
    with pytest.raises(udfs.ModelError, match="takes a, but the functions of task hit pass dance"):
        udfs.promote(open_copy, "hit", model_id)


def test_a_graph_with_other_labels_is_refused(open_copy):
    """Labels stored in a file count like those of an estimator: sorted, they are not the tiers."""
    names = np.array(["Flop", "Hit", "Mid", "Viral"])
    estimator = LogisticRegression(max_iter=9_999)
    estimator.fit(ROWS, names[(LABELS + (ROWS[:, 0] > 0.9)) % 4])
    kind = FloatTensorType([None, 3])
    graph = skl2onnx.to_onnx(
        estimator, initial_types=[("features", kind)], options={"zipmap": False}
    )
    with pytest.raises(udfs.ModelError, match="and this one has Flop, Hit, Mid, Viral"):
        udfs.register_model(open_copy, graph.SerializeToString(), task="tier", inputs=NAMES)


def test_every_registered_model_is_served_until_it_is_pruned(open_copy):
    ids = [
        udfs.register_model(open_copy, linear([a, 2.0], 0.0), task="mood", inputs=["a", "b"])
        for a in (1.0, 2.0, 3.0)
    ]
    assert [scores(open_copy, i, np.ones((1, 2)))[0][0] for i in ids] == [3, 4, 5]
    udfs.prune(open_copy, 1)
    with pytest.raises(duckdb.Error, match="is served"):
        scores(open_copy, ids[0], np.ones((1, 2)))
    assert scores(open_copy, ids[-1], np.ones((1, 2)))[0][0] == 5


def test_an_sql_translation_that_disagrees_with_the_graph_is_dropped(open_copy, monkeypatch):
    """It is dropped for every task of the model."""
    right = register.validated_in_sandbox
    wrong = net_module_with(1e-3)
    monkeypatch.setattr(register, "validated_in_sandbox", lambda *given: wrong(right(*given)))
    for task in ("mood", "mood2"):
        given = {"task": task, "inputs": ["a", "b"]}
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model_id = udfs.register_model(open_copy, linear([1.0, 2.0], 0.0), **given)
        assert ("answers would differ" in str([w.message for w in said])) == (task == "mood")
        with pytest.raises(duckdb.Error, match="has no SQL form"):
            scores(open_copy, model_id, np.ones((1, 2)))


def net_module_with(error: float):
    """Add an error to the SQL translation of a linear model."""

    def change(graph):
        layer = graph.portable["layers"][0]
        layers = [layer | {"intercepts": [layer["intercepts"][0] + error]}]
        return dataclasses.replace(graph, portable=graph.portable | {"layers": layers})

    return change


def test_an_unpinned_registered_champion_stays(small_copy, small_sample):
    with duckdb.connect(small_copy.database) as connection:
        given = {"task": "log_streams", "algorithm": "ours"}
        model_id = udfs.register_model(connection, linear([0.1] * 8, 18.0), **given)
        udfs.promote(connection, "log_streams", model_id)
        udfs.unpin(connection, "log_streams")
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))
    task = "where task = 'log_streams'"
    assert small_copy.query(f"select model_id from ml.champions {task}") == [(model_id,)]
    ((decision, reason),) = small_copy.query(f"select decision, reason from ml.challengers {task}")
    assert decision == "keep"
    assert reason.startswith("the champion is a registered model")


def test_a_registered_champion_is_replaced_once_it_no_longer_fits_the_functions(small_copy):
    with duckdb.connect(small_copy.database) as connection:
        given = {"task": "log_streams", "algorithm": "ours"}
        model_id = udfs.register_model(connection, linear([0.1] * 8, 18.0), **given)
        udfs.promote(connection, "log_streams", model_id)
        udfs.unpin(connection, "log_streams")
        connection.execute("update ml.registered_models set inputs = inputs[2:]")
    small_copy.dbt("build", "--select", "challengers", "replaced_champions", "rpt_source_drift")
    replaced = "select model_id, origin, source, feature_fingerprint from ml.replaced_champions"
    assert small_copy.query(replaced) == [(model_id, "registered", "chart_songs", None)]


def _scaled_trees():
    """Whole numbers after a scaler: float32 moves some of them across thresholds."""
    rows = np.round(ROWS * [10, 100, 1], 1)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(20, random_state=0))
    return model.fit(rows, LABELS), rows


def test_trees_behind_a_scaler_are_right_on_rows_that_they_were_not_shown(open_copy):
    model, rows = _scaled_trees()
    model_id = udfs.register_model(
        open_copy, model, task="mood", inputs=NAMES, labels=MOODS, examples=rows[:200]
    )
    random = np.random.default_rng(1)
    unseen = np.column_stack([random.permutation(column) for column in rows.T])
    expected = model.predict_proba(unseen)
    for _ in range(2):
        assert scores(open_copy, model_id, unseen) == pytest.approx(expected, abs=1e-5)
        udfs.register(open_copy)


def test_a_file_with_trees_behind_a_scaler_is_taken_with_a_warning(open_copy):
    model, _ = _scaled_trees()
    kind = FloatTensorType([None, 3])
    graph = skl2onnx.to_onnx(model, initial_types=[("features", kind)])
    with pytest.warns(UserWarning, match="computes in float32 before its trees"):
        udfs.register_model(
            open_copy, graph.SerializeToString(), task="mood", inputs=NAMES, labels=MOODS
        )


def test_a_file_must_give_the_answers_that_are_expected(open_copy):
    given = {"task": "mood", "inputs": ["a", "b"], "examples": [[1, 2], [3, 4]]}
    content = linear([1.0, 2.0], 0.0)
    with pytest.raises(udfs.ModelError, match=r"differs from what is expected .* in 1 of 2 rows"):
        udfs.register_model(open_copy, content, expected=[5, 12], **given)
    with pytest.raises(udfs.ModelError, match=r"expected has shape \(2, 2\)"):
        udfs.register_model(open_copy, content, expected=[[5, 1], [11, 1]], **given)
    with pytest.raises(udfs.ModelError, match="expected must be numbers"):
        udfs.register_model(open_copy, content, expected=["no", "yes"], **given)
    model_id = udfs.register_model(open_copy, content, expected=[5, 11], **given)
    parity = "select parity from ml.registered_models where model_id = ?"
    assert open_copy.execute(parity, [model_id]).fetchall() == [(0.0,)]


def _frame(**columns):
    import pandas as pd

    return pd.DataFrame(columns)


COLORS = _frame(
    number=ROWS[:, 0], color=np.array(["red", "blue", None], dtype=object)[np.arange(300) % 3]
)


def _colors(encoder, model=None):
    parts = make_column_transformer((encoder, ["color"]), remainder="passthrough")
    return make_pipeline(parts, model or LinearRegression()).fit(COLORS, ROWS[:, 1])


def as_text(frame):
    return frame.map(str)


WRONG = {
    "a step that reads texts": (
        {"model": _colors(make_pipeline(FunctionTransformer(as_text), OneHotEncoder()))},
        "goes through FunctionTransformer, whose answers for all other texts are unknown",
    ),
    "text without encoder": (
        {"model": XGBRegressor(n_estimators=2).fit(ROWS, ROWS[:, 0]), "examples": COLORS},
        "reaches the estimator as it is: give it an encoder",
    ),
    "a number named like a text": (
        {
            "model": LinearRegression().fit(_frame(**{"a is missing": ROWS[:, 0]}), ROWS[:, 1]),
            "examples": _frame(**{"a is missing": ROWS[:, 0]}),
        },
        "'a is missing' has the name of an input of a column of text: rename it",
    ),
    "a number that means missing": (
        {"model": XGBRegressor(n_estimators=2, missing=-1).fit(ROWS, ROWS[:, 0])},
        "it takes -1 as missing: replace it by NaN",
    ),
    "labels that differ in case": (
        {"model": LogisticRegression().fit(ROWS, np.array(["Yes", "yes", "no"])[LABELS])},
        "differ only in case",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_estimator_that_would_answer_wrongly_is_refused(open_copy, case):
    given, sentence = WRONG[case]
    examples = COLORS if hasattr(given["model"], "steps") else ROWS
    given = {"task": "mood", "examples": examples} | given
    if examples is ROWS and "examples" not in WRONG[case][0]:
        given["inputs"] = NAMES
    with pytest.raises(udfs.ModelError, match=sentence):
        udfs.register_model(open_copy, **given)


def test_none_and_unknown_texts_answer_as_in_python(open_copy):
    model = _colors(OneHotEncoder(handle_unknown="ignore"))
    model_id = udfs.register_model(open_copy, model, task="mood", examples=COLORS)
    inputs = "select list_transform(inputs, lambda i: i.name) from ml.registered_models"
    names = ["number", "color=blue", "color=red", "color is missing", "color is other"]
    assert open_copy.execute(inputs).fetchall() == [(names,)]
    unseen = _frame(number=[0.5] * 4, color=["red", "blue", None, "green"])
    rows = np.column_stack([[0.5] * 4, np.eye(4)[[1, 0, 2, 3]]])
    assert scores(open_copy, model_id, rows).ravel() == pytest.approx(model.predict(unseen))


def test_columns_are_taken_in_the_order_of_the_fit(open_copy):
    frame = _frame(a=ROWS[:, 0], b=ROWS[:, 1])
    model = LinearRegression().fit(frame, ROWS[:, 1])
    model_id = udfs.register_model(open_copy, model, task="mood", examples=frame[["b", "a"]])
    assert scores(open_copy, model_id, np.array([[0.25, 0.75]])).ravel() == pytest.approx([0.75])
    with pytest.raises(udfs.ModelError, match="the model was fitted on a, b: give them in this"):
        udfs.register_model(open_copy, model, task="m", examples=frame, inputs=["b", "a"])
