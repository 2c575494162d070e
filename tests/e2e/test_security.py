"""The promises of docs/security.md: a model is found by its id, and no other file is read."""

import hashlib
import re

import duckdb
import onnx
import pytest
from onnx import TensorProto
from sklearn.linear_model import LinearRegression

import udfs
from tests.hand_models import add_model, linear, net
from tests.warehouse import ROOT

NAMES = ["{folder}/model.onnx", "file://{folder}/model.onnx", "http://localhost/model.onnx", ""]
PACKAGES = ("hitparade", "models_py", "udfs")


@pytest.mark.parametrize("backend", ["sql_backend", "onnx_runtime"])
@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_never_a_model_id_even_if_it_leads_to_a_model(small_copy, backend, name):
    (small_copy.folder / "model.onnx").write_bytes(net())
    with duckdb.connect(small_copy.database) as connection:
        if backend == "onnx_runtime":
            udfs.register(connection)
        with pytest.raises(duckdb.Error, match=r"no model .* is (served|in the registry)"):
            query = "select onnx_predict(?, [1, 2])"
            connection.execute(query, [name.format(folder=small_copy.folder)]).fetchall()


def test_a_model_id_is_not_executed_as_sql(small_copy):
    name = "x'or'a'='a"
    with duckdb.connect(small_copy.database) as connection:
        udfs.register(connection)
        with pytest.raises(duckdb.Error, match="no model x'or'a'='a is in the registry"):
            connection.execute("select onnx_predict(?, [1, 2])", [name]).fetchall()
        for call in (udfs.pin, udfs.rollback):
            with pytest.raises(udfs.ModelError, match="there is no task x'or'a'='a"):
                call(connection, name)


def test_external_parameters_of_a_stored_graph_are_not_read(small_copy):
    """Somebody wrote the graph into the registry without udfs.register_model."""
    found = onnx.load_from_string(net())
    tensor = found.graph.initializer[0]
    (small_copy.folder / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(small_copy.folder / "weights.bin"))
    content = found.SerializeToString()
    with duckdb.connect(small_copy.database) as connection:
        add_model(connection, "stranger", linear([1.0, 2.0], 0.0))
        connection.execute(
            "update ml.train_hit set onnx = ?, sha256 = ? where model_id = 'stranger'",
            [content, hashlib.sha256(content).hexdigest()],
        )
        udfs.register(connection)
        with pytest.raises(duckdb.Error, match="are in another file, which is never read"):
            connection.execute("select onnx_predict('stranger', [1, 2])").fetchall()


def test_no_code_reads_or_writes_pickles():
    unsafe = re.compile(r"\b(pickle|joblib|dill|cloudpickle|marshal|shelve)\b|torch\.(load|save)\b")
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    assert len(files) > 40
    assert [file for file in files if unsafe.search(file.read_text())] == []


def test_a_registered_estimator_is_stored_as_a_graph_of_standard_operators(small_copy):
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    with duckdb.connect(small_copy.database) as connection:
        udfs.register_model(connection, model, task="own", inputs=["a"], examples=[[0.5]])
        row = connection.sql("from ml.registered_models").to_arrow_table().to_pylist()[0]
    blobs = {name: value for name, value in row.items() if isinstance(value, bytes)}
    assert list(blobs) == ["onnx"]
    graph = onnx.load_from_string(blobs["onnx"]).graph
    assert {node.domain for node in graph.node} <= {"", "ai.onnx.ml"}
