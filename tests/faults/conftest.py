"""Fixtures for tests that damage something."""

import shutil

import pytest
from typer.testing import CliRunner

from hitparade import cli
from tests.e2e.records import CHART_FILE, TRACK_FILE


@pytest.fixture
def command(small_copy, small_sample, monkeypatch):
    """Run `hitparade` on a copy of the small warehouse and return its error message."""
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)

    def refusal(*words: str) -> str:
        result = CliRunner().invoke(cli.app, words)
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == 1, result.output
        return result.output

    return refusal


@pytest.fixture(scope="module")
def raw_files(small_sample, tmp_path_factory):
    """A copy of the sample for this module."""
    return shutil.copytree(small_sample, tmp_path_factory.mktemp("raw_files") / "raw")


@pytest.fixture
def one_row_less(raw_files):
    """Raw files with one row less than in the last test, so that a build must train."""
    for name in (CHART_FILE, TRACK_FILE):
        lines = (raw_files / name).read_bytes().splitlines(keepends=True)
        (raw_files / name).write_bytes(b"".join(lines[:-1]))
    return raw_files
