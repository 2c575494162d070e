"""Fixtures: samples, warehouses built from them, and the published files if they are present."""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

import udfs
from hitparade.sample import write_sample
from tests import shared, tiers
from tests.warehouse import ROOT, Warehouse

REAL_FILES = ROOT.parent / "shared" / "data"
# The size of a sample that is quick to train on and large enough for every task.
SMALL_SAMPLE_WITH_PLAYLISTS = {"tracks": 2_000, "playlists": 300, "playlist_tracks": 1_000}


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="only the quick tier, on a small sample")
    parser.addoption("--slow", action="store_true", help="only the slow tier")


def pytest_configure(config):
    # The tests hold for every machine; those of oneDAL use it in spite of this.
    os.environ["HITPARADE_ONEDAL"] = "0"
    shared.begin()


def pytest_xdist_make_scheduler(config, log):
    return tiers.ByFile(config, log)


def pytest_collection_modifyitems(config, items):
    tiers.order(items)
    for tier in ("quick", "slow"):
        if config.getoption(tier):
            tiers.keep(tier, config, items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    with tiers.running(item):
        return (yield)


def _shared(name: str, sample: Path):
    """Yield a warehouse that all workers share, and fail if a test wrote to it."""
    yield shared.built(name, sample)
    assert shared.is_untouched(name), f"a test wrote to the shared {name}: use a copy in it"


def _copied(warehouse: Warehouse, folder: Path) -> Warehouse:
    shutil.copytree(warehouse.folder, folder, dirs_exist_ok=True)
    return Warehouse(folder)


@pytest.fixture(scope="session")
def is_quick(request) -> bool:
    """Whether only the quick tier runs. It has one warehouse, with playlists."""
    return request.config.getoption("quick")


@pytest.fixture(scope="session")
def parsed() -> Path:
    """The target folder of `dbt parse`."""
    return shared.once("parsed", lambda made: Warehouse(made).dbt("parse")) / "target"


@pytest.fixture(scope="session")
def sample_with_playlists() -> Path:
    """A small sample with playlists."""
    return shared.once(
        "sample_with_playlists", lambda made: write_sample(made, **SMALL_SAMPLE_WITH_PLAYLISTS)
    )


@pytest.fixture(scope="session")
def warehouse_with_playlists(sample_with_playlists):
    """A finished warehouse of the small sample with playlists."""
    yield from _shared("warehouse_with_playlists", sample_with_playlists)


@pytest.fixture(scope="session")
def sample(is_quick, request) -> Path:
    """The sample at its default size."""
    if is_quick:
        return request.getfixturevalue("sample_with_playlists")
    return shared.once("sample", write_sample)


@pytest.fixture(scope="session")
def warehouse(is_quick, request, sample):
    """A finished warehouse of the default sample, for tests that only read it."""
    if is_quick:
        yield request.getfixturevalue("warehouse_with_playlists")
    else:
        yield from _shared("warehouse", sample)


@pytest.fixture(scope="session")
def small_sample(is_quick, request) -> Path:
    """A sample just large enough to train on, for tests that build a warehouse of their own."""
    if is_quick:
        return request.getfixturevalue("sample_with_playlists")
    return shared.once("small_sample", _write_without_playlists)


def _write_without_playlists(folder: Path) -> None:
    write_sample(folder, songs=200, tracks=2_000, only={"chart_songs", "tracks"})
    # Without a slice, `hitparade build` would write a sample here. An empty playlist is too little
    # to train the next-song model, which takes longer than all others.
    playlist = {"pid": 0, "name": "empty", "collaborative": "false", "tracks": []}
    (folder / "mpd.slice.0-0.json").write_text(json.dumps({"playlists": [playlist]}))


@pytest.fixture(scope="session")
def small_warehouse(is_quick, request, small_sample):
    """A finished warehouse of the small sample."""
    if is_quick:
        yield request.getfixturevalue("warehouse_with_playlists")
    else:
        yield from _shared("small_warehouse", small_sample)


@pytest.fixture
def small_copy(small_warehouse, tmp_path) -> Warehouse:
    """A copy of the small warehouse, for a test that changes it."""
    return _copied(small_warehouse, tmp_path)


@pytest.fixture
def copy(warehouse, tmp_path) -> Warehouse:
    """A copy of the finished warehouse, for a test that changes it."""
    return _copied(warehouse, tmp_path)


@pytest.fixture
def empty(tmp_path) -> Warehouse:
    """A warehouse without a database and raw files, for a test that builds its own."""
    return Warehouse(tmp_path)


@pytest.fixture(params=["sql_backend", "onnx_runtime"])
def connection(request):
    """A read-only connection to the finished warehouse: the test runs once on each backend."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def onnx_runtime(warehouse):
    """A read-only connection to the finished warehouse, with the ONNX Runtime backend."""
    with duckdb.connect(warehouse.database, read_only=True) as opened:
        udfs.register(opened)
        yield opened


@pytest.fixture
def sql_backend(warehouse):
    """A plain read-only connection to the finished warehouse: the SQL backend."""
    with duckdb.connect(warehouse.database, read_only=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The published files, which the repository does not include."""
    if not (REAL_FILES / "spotify-2023.csv").is_file():
        pytest.skip(f"the published files are not in {REAL_FILES}")
    return REAL_FILES
