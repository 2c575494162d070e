"""`hitparade upgrade`: files of earlier versions, see formats/README.md."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner

import udfs
from hitparade.cli import app
from models_py import export
from models_py.registry_schema import REGISTRY_FORMAT, SCHEMA
from tests.warehouse import Warehouse

pytestmark = pytest.mark.slow

FORMATS = Path(__file__).with_name("formats")
OLD = sorted(int(folder.name) for folder in FORMATS.iterdir() if folder.is_dir())


def write(warehouse: Warehouse, number: int) -> None:
    """Write the file as the earlier version left it, without the tables that a build recreates."""
    with duckdb.connect(warehouse.database) as connection:
        connection.execute("create schema ml")
        connection.execute("create table ml.served_models (model_id varchar)")
        for table in sorted((FORMATS / str(number)).glob("*.parquet")):
            connection.execute(f"create table ml.{table.stem} as from '{table}'")


def upgrade(warehouse: Warehouse) -> str:
    result = CliRunner().invoke(
        app, ["upgrade"], env={"HITPARADE_DATABASE": str(warehouse.database)}
    )
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def test_every_earlier_format_has_a_file():
    assert list(range(1, REGISTRY_FORMAT)) == OLD


@pytest.mark.parametrize("number", OLD)
def test_a_build_refuses_an_old_file_and_names_the_command(empty, small_sample, number):
    write(empty, number)
    result = empty.dbt("build", check=False, HITPARADE_SAMPLE=str(small_sample))
    assert result.returncode
    assert f"the registry of this file has format {number}" in result.stdout
    assert "run `hitparade upgrade`" in result.stdout


@pytest.mark.parametrize("number", OLD)
def test_an_upgrade_keeps_the_stored_models(empty, number):
    write(empty, number)
    kept = "model_id, task, algorithm, version, trained_at, outputs, sha256, onnx, train_rows"
    query = f"select {kept} from ml.train_hit order by model_id"
    before = empty.query(query)
    assert "run `hitparade build`" in upgrade(empty)
    assert empty.query(query) == before
    assert empty.query("select distinct registry_format from ml.train_hit") == [(REGISTRY_FORMAT,)]
    with duckdb.connect(empty.database, read_only=True) as connection:
        columns = connection.sql("from ml.train_log_streams").to_arrow_table().schema
    assert columns.names == SCHEMA.names
    assert [field.type for field in columns] == [field.type for field in SCHEMA]
    assert f"already has format {REGISTRY_FORMAT}" in upgrade(empty)


@pytest.mark.parametrize("number", OLD)
def test_a_build_continues_on_an_upgraded_file(empty, small_sample, number):
    write(empty, number)
    ((champion, old),) = empty.query(
        "select model_id, onnx from ml.promotions join ml.train_hit using (model_id)"
    )
    upgrade(empty)
    empty.build(
        "--select",
        "+promotable_models",
        "+predict_hit",
        "+stamped_functions",
        HITPARADE_SAMPLE=str(small_sample),
    )
    versions = "select max(version) from ml.model_versions where task = 'hit' and algorithm = "
    assert empty.query(f"{versions} 'xgboost'") == [(2,)]
    first = "select model_id from ml.promotions where task = 'hit' order by promoted_at limit 1"
    assert empty.query(first) == [(champion,)]
    with duckdb.connect(empty.database) as connection:
        udfs.promote(connection, "hit", champion)
        by_sql = connection.execute("select predict_hit(0.5, 0.6, 0.7, 120)").fetchall()[0][0]
        udfs.register(connection)
        by_onnx_runtime = connection.execute("select predict_hit(0.5, 0.6, 0.7, 120)").fetchall()[
            0
        ][0]
    expected = export.run(old, np.array([[0.5, 0.6, 0.7, 120]]))[0, 1]
    assert by_onnx_runtime == pytest.approx(expected)
    assert by_sql == pytest.approx(expected, rel=1e-5)


def test_an_upgrade_keeps_a_registered_model_without_examples(empty):
    write(empty, 6)
    ((before,),) = empty.query("select onnx from ml.registered_models")
    upgrade(empty)
    query = "select onnx, portable.kind, examples, feature_fingerprint from ml.registered_models"
    assert empty.query(query) == [(before, "linear", None, None)]


def test_a_file_without_models_is_upgraded(empty, small_sample):
    write(empty, OLD[-1])
    with duckdb.connect(empty.database) as connection:
        for table in (FORMATS / str(OLD[-1])).glob("*.parquet"):
            connection.execute(f"delete from ml.{table.stem}")
    result = empty.dbt("run", "--select", "genres", check=False, HITPARADE_SAMPLE=str(small_sample))
    assert "run `hitparade upgrade`" in result.stdout
    assert "run `hitparade build`" in upgrade(empty)
    empty.dbt("run", "--select", "+genres", HITPARADE_SAMPLE=str(small_sample))


def test_an_upgrade_skips_damaged_bytes(empty):
    write(empty, OLD[-1])
    with duckdb.connect(empty.database) as connection:
        connection.execute("update ml.train_hit set onnx = onnx[:100] where algorithm = 'xgboost'")
    assert "run `hitparade build`" in upgrade(empty)
    forms = "select algorithm, portable is null from ml.train_hit"
    assert dict(empty.query(forms))["xgboost"]


def test_a_file_of_a_later_version_is_not_changed(empty):
    write(empty, OLD[-1])
    with duckdb.connect(empty.database) as connection:
        connection.execute("update ml.train_hit set registry_format = 99")
    assert "use a newer version of hitparade" in upgrade(empty)
    assert empty.query("select distinct registry_format from ml.train_hit") == [(99,)]


def test_a_file_without_a_registry_is_reported(empty):
    with duckdb.connect(empty.database) as connection:
        connection.execute("create table nothing (a integer)")
    assert "has no registry with models" in upgrade(empty)
