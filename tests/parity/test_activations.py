"""Every activation of the SQL backend gives the answers of onnxruntime, also far from zero."""

import duckdb
import numpy as np
import pytest
from onnx import helper, numpy_helper

from models_py import export, sql_backend
from models_py.agreement import difference
from models_py.sql_backend.activations import ACTIVATIONS
from tests.hand_models import add_model, graph

INPUTS, HIDDEN, ROWS = 3, 5, 200


def net_with(activation: str) -> bytes:
    """Return a net of two layers with an activation between them."""
    rng = np.random.default_rng(0)
    shapes = {"w1": (HIDDEN, INPUTS), "b1": (HIDDEN,), "w2": (2, HIDDEN), "b2": (2,)}
    parameters = [
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Gemm", ["features", "w1", "b1"], ["sums"], transB=1),
        helper.make_node(activation, ["sums"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "w2", "b2"], ["scores"], transB=1),
    ]
    return graph(*nodes, inputs=INPUTS, initializers=parameters)


@pytest.fixture(scope="module")
def nets(small_warehouse, tmp_path_factory):
    """A copy of the small warehouse with a net for each activation."""
    path = tmp_path_factory.mktemp("activations") / "warehouse.duckdb"
    path.write_bytes(small_warehouse.database.read_bytes())
    with duckdb.connect(path) as connection:
        for activation in ACTIVATIONS:
            add_model(connection, activation.lower(), net_with(activation))
        yield connection


@pytest.mark.parametrize("scale", [1, 100, 10_000])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_sql_gives_the_answers_of_onnxruntime(nets, activation, scale):
    rows = scale * np.random.default_rng(1).normal(size=(ROWS, INPUTS))
    expected = export.run(net_with(activation), rows)
    answers = nets.execute(
        "select onnx_predict($model, row) from (select unnest($rows::double[][]) as row)",
        {"model": activation.lower(), "rows": rows.astype(np.float32).tolist()},
    ).fetchall()
    found = np.array([scores for (scores,) in answers])
    assert difference(found, expected).max() < 1e-5


def test_an_unsupported_activation_has_no_sql_translation():
    assert sql_backend.translate(net_with("Sin")) is None
