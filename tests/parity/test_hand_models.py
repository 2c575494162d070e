"""Models small enough to compute by hand: both backends give the computed answers."""

import shutil

import duckdb
import numpy as np
import pytest

import udfs
from tests.hand_models import add_model, linear, net, scaled_line, sigmoid, sine, softmax, stump


@pytest.fixture(scope="module")
def file(warehouse, tmp_path_factory):
    """A copy of the finished warehouse with the models in it."""
    copied = shutil.copy(warehouse.database, tmp_path_factory.mktemp("hand"))
    with duckdb.connect(copied) as connection:
        add_model(connection, "line", linear([2.0, -1.0, 0.5], 0.25))
        add_model(connection, "below", stump("BRANCH_LT", 0.1, 1.0, 2.0))
        add_model(connection, "up_to", stump("BRANCH_LEQ", 0.1, 1.0, 2.0))
        add_model(connection, "sine", sine(2))
        add_model(connection, "net", net())
        add_model(connection, "softmax", softmax())
        add_model(connection, "scaled_line", scaled_line())
        add_model(connection, "sigmoid", sigmoid())
    return copied


@pytest.fixture(params=["sql_backend", "onnx_runtime"])
def hand(request, file):
    with duckdb.connect(file, read_only=True) as connection:
        if request.param == "onnx_runtime":
            udfs.register(connection)
        yield connection


def answer(connection, model_id, features):
    query = "select onnx_predict(?, ?::double[])"
    return connection.execute(query, [model_id, features]).fetchall()[0][0]


def test_a_linear_model(hand):
    # 2 * 1 - 2 + 3 / 2 + 1/4
    assert answer(hand, "line", [1, 2, 3]) == [1.75]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    # 2 relu(a - b) - relu(b - 2a + 1) + 1/2: no unit active, one or the other, both.
    [(1, 1, 0.5), (3, 1, 4.5), (0, 2, -2.5), (0.25, 0, 2 * 0.25 - 0.5 + 0.5)],
)
def test_a_net(hand, a, b, expected):
    assert answer(hand, "net", [a, b]) == [expected]


def test_a_softmax(hand):
    e = np.exp([2.0, 0.0, -2.0])
    assert answer(hand, "softmax", [2]) == pytest.approx(e / e.sum(), rel=1e-6)
    assert answer(hand, "softmax", [500]) == pytest.approx([1, 0, 0])


@pytest.mark.parametrize(("a", "b", "z"), [(1, 1, 2), (2, 4, -1), (0, 0, 5)])
def test_a_sigmoid(hand, a, b, z):
    assert answer(hand, "sigmoid", [a, b]) == pytest.approx([1 / (1 + np.exp(-z))], rel=1e-6)


def test_a_linear_model_after_a_scaler(hand):
    # 3 * (2013 - 2000) / 10 + 1
    assert answer(hand, "scaled_line", [2013]) == pytest.approx([4.9], rel=1e-6)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_a_threshold_is_compared_in_float32(hand, step):
    threshold = np.float32(0.1)
    x = float(np.nextafter(threshold, np.float32(step * np.inf))) if step else float(threshold)
    assert answer(hand, "below", [9, x]) == [1.0 if step < 0 else 2.0]
    assert answer(hand, "up_to", [9, x]) == [1.0 if step <= 0 else 2.0]


def test_each_row_can_name_its_own_model(hand):
    rows = hand.execute(
        "select name, onnx_predict(name, [9, 0]) "
        "from (values ('below'), ('up_to'), ('below')) v(name)"
    ).fetchall()
    assert rows == [("below", [1.0]), ("up_to", [1.0]), ("below", [1.0])]


def test_a_column_of_the_caller_is_not_shadowed_by_one_of_the_function(hand):
    rows = hand.execute(
        "select onnx_predict(model_id, [9, kind]) "
        "from (values ('below', 0), ('below', 1)) v(model_id, kind)"
    ).fetchall()
    assert rows == [([1.0],), ([2.0],)]


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), 1e300])
def test_a_bad_value_gives_null_only_in_its_row(hand, bad):
    rows = hand.execute(
        "select onnx_predict('line', [1, x, 3]), onnx_predict('net', [1, x]) "
        "from (values (1::double), (?), (1)) v(x)",
        [bad],
    ).fetchall()
    assert rows == [([2.75], [0.5]), (None, None), ([2.75], [0.5])]


def test_null_features_give_null(hand):
    assert answer(hand, "line", None) is None


@pytest.mark.parametrize(
    ("model_id", "features", "message"),
    [
        ("line", [1, 2], "model line takes 3 features, got 2: see select inputs from ml.model"),
        ("line", [], "model line takes 3 features, got 0"),
        ("nobody", [1, 2], "no model nobody .*: see select model_id, task, algorithm from ml."),
        (None, [1, 2], "model_id is NULL: see select model_id, task, algorithm from ml."),
    ],
)
def test_a_bad_call_names_the_cause_and_the_next_step(hand, model_id, features, message):
    with pytest.raises(duckdb.Error, match=message):
        answer(hand, model_id, features)


def test_a_graph_without_an_sql_translation_names_the_backend_that_runs_it(copy):
    with duckdb.connect(copy.database) as connection:
        add_model(connection, "sine", sine(2))
        with pytest.raises(duckdb.Error, match=r"model sine has no SQL form.*register"):
            answer(connection, "sine", [0, 1])
        udfs.register(connection)
        assert answer(connection, "sine", [0, 1]) == pytest.approx([0, np.sin(1)], rel=1e-6)


def test_corrupted_bytes_are_refused(copy):
    with duckdb.connect(copy.database) as connection:
        add_model(connection, "broken", linear([3.0], 0.0))
        connection.execute("update ml.train_hit set onnx = 'x'::blob where model_id = 'broken'")
        udfs.register(connection)
        with pytest.raises(duckdb.Error, match="stored bytes of model broken are corrupted"):
            answer(connection, "broken", [1])
