"""Graphs of all shapes: the SQL backend gives the answers of onnxruntime, on unseen rows."""

from collections.abc import Callable

import duckdb
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

from models_py import export, sql_backend
from tests.graph_models import (
    DOUBLE,
    HAND,
    MISSING_TREES,
    SINGLE,
    TREES,
    WIDTH,
    fitted,
    graph_of,
    op,
    rows,
    rows_at,
    thresholds_of,
    tree,
)
from tests.hand_models import add_model

TOLERANCE = 1e-5
WHOLE: dict[str, Callable[[], bytes]] = SINGLE | HAND | TREES
# Models of scikit-learn that SQL does not evaluate in float32: a vote between trees, and numbers
# whose last digits matter.
NOT_IN_SQL = {
    *("adaboost of two", "adaboost of three"),
    *("naive bayes of two", "naive bayes of three"),
}
# scikit-learn's converter writes graphs of these in float64 that onnxruntime refuses.
NOT_IN_DOUBLE = {
    *("polynomial", "bins", "voting", "voting classifier of two", "voting classifier of three"),
    *("adaboost of two", "adaboost of three"),
}


@pytest.fixture(scope="module")
def served(small_warehouse, tmp_path_factory):
    """A copy of the small warehouse to which models are added."""
    path = tmp_path_factory.mktemp("graphs") / "warehouse.duckdb"
    path.write_bytes(small_warehouse.database.read_bytes())
    with duckdb.connect(path) as connection:
        yield connection


@pytest.fixture(scope="module")
def estimators():
    """The fitted models of scikit-learn."""
    return fitted()


def answers(connection, model_id: str, given: np.ndarray, function="onnx_predict") -> list:
    """Return the scores of rows by the SQL backend, in order."""
    found = connection.execute(
        f"select {function}($model, row) from (select unnest($rows::double[][]) as row, "
        "generate_subscripts($rows::double[][], 1) as place) order by place",
        {"model": model_id, "rows": given.tolist()},
    ).fetchall()
    return [scores for (scores,) in found]


def expected_of(content: bytes, given: np.ndarray) -> np.ndarray:
    """Return the scores of rows by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (features,) = session.get_inputs()
    type = np.float32 if features.type == "tensor(float)" else np.float64
    (scores,) = session.run(["scores"], {"features": given.astype(type)})
    return np.asarray(scores).reshape(len(given), -1)


def check(connection, name: str, content: bytes, given: np.ndarray, takes_missing=False) -> None:
    """Compare both backends on rows."""
    model_id = f"{name}{' with missing' if takes_missing else ''}"
    add_model(connection, model_id, content, takes_missing)
    expected = expected_of(content, given)
    found = answers(connection, model_id, given)
    is_finite = np.isfinite(expected).all(axis=1)
    assert [scores is not None for scores in found] == is_finite.tolist()
    assert is_finite.mean() > 0.5
    scores = np.array([scores for scores in found if scores is not None])
    assert export.difference(scores, expected[is_finite]).max() < TOLERANCE
    if sql_backend.translate(content)["kind"] == "steps":
        by_kind = answers(connection, model_id, given, "onnx_predict_steps")
        assert by_kind == found


def rows_for(content: bytes) -> np.ndarray:
    """Return rows, among them those at and beside the thresholds of trees."""
    points = thresholds_of(content)
    points = points[np.abs(points) < 1e14]
    return np.concatenate([rows(), rows_at(points, WIDTH)])[:3000] if len(points) else rows()


@pytest.mark.parametrize("name", WHOLE)
def test_sql_gives_the_answers_of_onnxruntime(served, name):
    content = WHOLE[name]()
    check(served, name, content, rows_for(content))


def _with_missing(given: np.ndarray) -> np.ndarray:
    return np.where(np.random.default_rng(1).random(given.shape) < 0.3, np.nan, given)


@pytest.mark.parametrize("name", [*TREES, *MISSING_TREES])
def test_trees_take_missing_inputs(served, name):
    content = (TREES | MISSING_TREES)[name]()
    check(served, f"missing {name}", content, _with_missing(rows_for(content)), takes_missing=True)


def test_null_is_missing_as_nan_is_and_infinity_is_not(served):
    content = tree(["BRANCH_LT"] * 3, [1, 0, 1, 0, 0, 0, 0])
    add_model(served, "null", content, takes_missing=True)
    add_model(served, "given", content)
    (expected,) = expected_of(content, np.array([[np.nan, 0.5, 0.5, 0.5]])).tolist()
    query = "select onnx_predict(name, [x, .5, .5, .5]) from (values ('null'), ('given')) v(name)"
    for x, found in [("null", expected), ("'nan'::double", expected), ("'inf'::double", None)]:
        rows = served.execute(f"with t as (select {x} as x) {query}, t").fetchall()
        assert rows[1] == (None,)
        assert rows[0] == (None,) if found is None else rows[0][0] == pytest.approx(found)


def imputed(type: int) -> bytes:
    """Return a layer of the inputs, filled, beside flags of those that are missing."""
    numpy_type = np.float32 if type == TensorProto.FLOAT else np.float64
    weights = np.random.default_rng(1).normal(size=(2 * WIDTH, 2)).astype(numpy_type)
    nodes = [
        op("IsNaN", ["features"], ["missing"]),
        op("Where", ["missing", "fill", "features"], ["filled"]),
        op("Cast", ["missing"], ["flags"], to=type),
        op("Concat", ["filled", "flags"], ["all"], axis=1),
        op("MatMul", ["all", "weights"], ["scores"]),
    ]
    fill = np.array([[0.5, -1, 2, 0]], dtype=numpy_type)
    return graph_of(nodes, {"fill": fill, "weights": weights}, type=type, scores=type)


def filled() -> bytes:
    """Return the answer of an Imputer."""
    values = [0.5, -1.0, 2.0, 0.0]
    node = op(
        "Imputer",
        ["features"],
        ["scores"],
        imputed_value_floats=values,
        replaced_value_float=float("nan"),
    )
    return graph_of([node])


@pytest.mark.parametrize(
    "make", [lambda: imputed(TensorProto.FLOAT), lambda: imputed(DOUBLE), filled]
)
def test_missing_inputs_are_filled(served, make):
    content = make()
    name = f"filled {hash(content)}"
    check(served, name, content, _with_missing(rows()), takes_missing=True)


NAMES = [
    f"{name} of {n}"
    for name in (
        "logistic",
        "voting classifier",
        "stacking classifier",
        "bagging classifier",
        "mlp classifier",
        "one against rest",
        "boosted classifier",
        "forest classifier",
        "scaled forest classifier",
        "tree classifier",
        "naive bayes",
        "adaboost",
    )
    for n in ("two", "three")
]
NAMES += [
    "scaled trees",
    "min-max trees",
    "robust trees",
    "columns trees",
    "columns linear",
    "selected linear",
    "selected trees",
    "polynomial",
    "pca",
    "voting",
    "bagging",
    "bagging linear",
    "stacking",
    "extra trees",
    "tanh",
    "logistic net",
    "bins",
    "binarized",
    "normalized",
    "poisson",
    "gamma",
    "tweedie",
]


def exported(model, type) -> bytes:
    """Return an estimator as a graph with the output `scores`."""
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    found = to_onnx(
        model,
        initial_types=[("features", type([None, WIDTH]))],
        options=options,
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    scores = found.graph.output[-1].name
    for node in found.graph.node:
        node.output[:] = ["scores" if name == scores else name for name in node.output]
        node.input[:] = ["scores" if name == scores else name for name in node.input]
    # The converter often states float64 for scores that are float32.
    graphs = [_with_scores(found, kind) for kind in (TensorProto.FLOAT, DOUBLE)]
    return next(graph for graph in graphs if _is_accepted(graph))


def _with_scores(model: onnx.ModelProto, kind: int) -> bytes:
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("scores", kind, [None, None]))
    return model.SerializeToString()


def _is_accepted(content: bytes) -> bool:
    try:
        expected_of(content, rows())
    except Fail:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_estimators_of_scikit_learn(served, estimators, name):
    content = exported(estimators[name], FloatTensorType)
    if name in NOT_IN_SQL:
        assert sql_backend.translate(content) is None
    else:
        check(served, name, content, rows_for(content))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_IN_DOUBLE])
def test_estimators_of_scikit_learn_in_float64(served, estimators, name):
    content = exported(estimators[name], DoubleTensorType)
    check(served, f"{name} in float64", content, rows_for(content))


def test_rows_of_many_models_are_scored_by_several_threads(served):
    names = ["Softplus", "residual", "mixed", "double"]
    for name in names:
        add_model(served, f"{name} by threads", WHOLE[name]())
    served.execute("set threads = 4")
    found = served.execute(
        "with given as (select i, [sin(i), cos(i), sin(2 * i), cos(3 * i)] as row "
        "from range(20_000) t(i)) "
        "select name, i, onnx_predict(name || ' by threads', row) "
        "from given, (select unnest($names) as name) order by name, i",
        {"names": names},
    ).fetchall()
    served.execute("reset threads")
    i = np.arange(20_000)
    given = np.stack([np.sin(i), np.cos(i), np.sin(2 * i), np.cos(3 * i)], axis=1)
    for name in names:
        scores = np.array([row[2] for row in found if row[0] == name])
        assert export.difference(scores, expected_of(WHOLE[name](), given)).max() < TOLERANCE


def test_every_estimator_has_a_test(estimators):
    assert sorted(NAMES) == sorted(estimators)
