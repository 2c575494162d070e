"""The Superset dashboard of docs/bi/superset, without Superset: its bundle fits the server."""

import runpy
import zipfile

import pytest
import yaml

from tests.warehouse import ROOT

FOLDER = ROOT / "docs" / "bi" / "superset"
DASHBOARD = FOLDER / "dashboard"


def _read(pattern: str) -> dict[str, dict]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in DASHBOARD.glob(pattern)}


DATASETS = _read("datasets/hitparade/*.yaml")
CHARTS = _read("charts/*.yaml")


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_has_the_columns_that_it_lists(client, name):
    dataset = DATASETS[name]
    source = f"({dataset['sql']}) as t" if "sql" in dataset else f"{dataset['schema']}.{name}"
    found = client.execute(f"select * from {source}")
    listed = [column["column_name"] for column in dataset["columns"]]
    assert [column.name for column in found.description] == listed


def test_every_chart_has_a_dataset_and_a_place():
    (dashboard,) = _read("dashboards/*.yaml").values()
    places = [place for place in dashboard["position"].values() if isinstance(place, dict)]
    placed = {place["meta"]["uuid"] for place in places if place["type"] == "CHART"}
    assert placed == {chart["uuid"] for chart in CHARTS.values()}
    datasets = {dataset["uuid"] for dataset in DATASETS.values()}
    assert {chart["dataset_uuid"] for chart in CHARTS.values()} == datasets


def test_the_bundle_has_every_file_and_the_address_of_the_server(tmp_path):
    bundle = tmp_path / "hitparade.zip"
    address = "postgresql+psycopg2://a@b:1/c"
    runpy.run_path(str(FOLDER / "bundle.py"))["pack"](bundle, address)
    with zipfile.ZipFile(bundle) as packed:
        files = {f"hitparade/{path.relative_to(DASHBOARD)}" for path in DASHBOARD.rglob("*.yaml")}
        assert set(packed.namelist()) == files
        database = yaml.safe_load(packed.read("hitparade/databases/hitparade.yaml"))
    assert database["sqlalchemy_uri"] == address
