"""Fixtures of tests that build from raw files of their own."""

import pytest

from tests.conftest import Warehouse
from tests.e2e.records import CHART_FILE, TRACK_FILE


@pytest.fixture(scope="module")
def new_warehouse(tmp_path_factory):
    """Make warehouses with these raw files, of which nothing is built yet."""

    def make(**files: str | bytes) -> Warehouse:
        made = Warehouse(tmp_path_factory.mktemp("warehouse"))
        made.raw.mkdir()
        for source, content in files.items():
            name = {"chart_songs": CHART_FILE, "tracks": TRACK_FILE}[source]
            data = content.encode() if isinstance(content, str) else content
            (made.raw / name).write_bytes(data)
        return made

    return make
