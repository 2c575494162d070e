"""Tree ensembles in oneDAL, which the extra `fast` installs, answer as in onnxruntime."""

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import onnx
import pytest

import udfs
from models_py.tasks import TASKS
from tests.hand_models import linear, stump
from udfs.runtime import functions, trees
from udfs.runtime.sessions import Model

NEEDS = pytest.mark.skipif(trees._onedal() is None, reason="needs the extra fast: oneDAL")
MODELS = """
    select served.task, served.algorithm, artifacts.onnx
    from ml.served_models as served
    inner join ml.model_artifacts as artifacts on served.model_id = artifacts.model_id
    where served.is_newest and served.kind = 'trees'
    order by all
"""


@pytest.fixture(autouse=True)
def with_onedal(monkeypatch):
    monkeypatch.delenv("HITPARADE_ONEDAL", raising=False)


@pytest.fixture(scope="module")
def models(warehouse) -> dict[tuple[str, str], bytes]:
    return {(task, name): content for task, name, content in warehouse.query(MODELS)}


def features(warehouse, task: str) -> np.ndarray:
    rows = warehouse.query(f"select encode_{task}(t) from {TASKS[task].entity} t")
    found = np.array([row for (row,) in rows if None not in row], dtype=np.float32)
    assert len(found) > 900
    return found


@NEEDS
def test_every_forest_of_single_scores_is_evaluated_in_onedal(models, warehouse):
    fast = set()
    for (task, algorithm), content in models.items():
        model = Model("m", content)
        inputs = features(warehouse, task)
        expected = model._scores(inputs)
        difference = np.abs(model.run(["scores"], {"features": inputs})[0] - expected)
        assert (difference <= trees.TOLERANCE * np.maximum(1, np.abs(expected))).all()
        if model._trees:
            fast.add((task, algorithm))
    # A tree of a random forest of four tiers adds to four scores.
    assert fast == {*models} - {("tier", "random_forest")}


@NEEDS
def test_threads_can_use_a_model_at_once(models, warehouse):
    model = Model("m", models["hit", "xgboost"])
    inputs = features(warehouse, "hit")
    parts = [inputs[start:] for start in range(64)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(model._trees, parts))
    for part, scores in zip(parts, found, strict=True):
        np.testing.assert_array_equal(scores, model._trees(part))


@NEEDS
def test_a_function_answers_alike_with_and_without_it(warehouse, monkeypatch):
    calls = "predict_hit(t), predict_tier_proba(t).Flop, explain_hit(t)[1].contribution"
    query = f"select {calls} from dim_tracks t order by track_id limit 500"
    found = []
    for switch in ("1", "0"):
        monkeypatch.setenv("HITPARADE_ONEDAL", switch)
        monkeypatch.setattr(functions._sessions, "_kept", OrderedDict())
        found.append(_answers(warehouse, query))
    np.testing.assert_allclose(*found, atol=1e-6)


def _answers(warehouse, query: str) -> np.ndarray:
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        return np.array(connection.execute(query).fetchall(), dtype=float)


@NEEDS
@pytest.mark.parametrize("branch", ["BRANCH_LT", "BRANCH_LEQ"])
def test_a_threshold_is_compared_as_in_onnxruntime(branch):
    model = Model("m", stump(branch, 0.1, 1.0, 2.0))
    assert model._trees
    threshold = np.float32(0.1)
    values = [threshold, *(np.nextafter(threshold, np.float32(side)) for side in (-9, 9))]
    inputs = np.array([[9, value] for value in values], dtype=np.float32)
    np.testing.assert_array_equal(model._trees(inputs), model._scores(inputs))


@NEEDS
def test_a_graph_that_it_would_answer_otherwise_stays_in_onnxruntime():
    content = stump("BRANCH_LT", 0.1, 1.0, 2.0)
    model = Model("m", content)
    assert trees.scorer(content, model._scores)
    assert trees.scorer(content, lambda features: model._scores(features) + 1e-5) is None


@NEEDS
def test_other_graphs_stay_in_onnxruntime():
    changed = onnx.load_model_from_string(stump("BRANCH_LT", 0.1, 1.0, 2.0))
    for attribute in changed.graph.node[0].attribute:
        if attribute.name == "nodes_modes":
            attribute.strings[0] = b"BRANCH_GT"
    for content in (linear([1.0, 2.0], 0.5), changed.SerializeToString()):
        assert Model("m", content)._trees is None


@NEEDS
@pytest.mark.parametrize("name", ["target_ids", "nodes_treeids", "target_treeids"])
def test_a_graph_that_onedal_refuses_stays_in_onnxruntime(name):
    changed = onnx.load_model_from_string(stump("BRANCH_LT", 0.1, 1.0, 2.0))
    for attribute in changed.graph.node[0].attribute:
        if attribute.name == "n_targets":
            attribute.i = 2
        elif attribute.name == "target_ids" and name == "target_ids":
            attribute.ints[:] = [1 for _ in attribute.ints]
        elif attribute.name in ("nodes_treeids", "target_treeids") and name != "target_ids":
            attribute.ints[:] = [-1 for _ in attribute.ints]
    model = Model("m", changed.SerializeToString())
    assert model._trees is None
    assert model.run(["scores"], {"features": np.ones((2, 2), np.float32)})[0].shape == (2, 2)


def test_without_the_extra_nothing_changes(models, monkeypatch):
    monkeypatch.setattr(trees, "_onedal", lambda: None)
    assert Model("m", models["hit", "xgboost"])._trees is None
