"""Fixtures: a browser, and warehouses from a test's own raw files."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.records import CHART_FILE, TRACK_FILE
from tests.warehouse import Warehouse

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser():
    """The system's browser, without a window."""
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def new_warehouse(tmp_path_factory):
    """Make warehouses that have the given raw files but no database yet."""

    def make(**files: str | bytes) -> Warehouse:
        made = Warehouse(tmp_path_factory.mktemp("warehouse"))
        made.raw.mkdir()
        for source, content in files.items():
            name = {"chart_songs": CHART_FILE, "tracks": TRACK_FILE}[source]
            data = content.encode() if isinstance(content, str) else content
            (made.raw / name).write_bytes(data)
        return made

    return make


@pytest.fixture
def new_sample(small_sample, tmp_path):
    """A copy of the small sample that a test may change."""
    folder = tmp_path / "new_sample"
    shutil.copytree(small_sample, folder)
    return folder
