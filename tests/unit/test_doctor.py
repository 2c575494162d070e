"""`hitparade doctor`: what is wrong is a line of its own, never a traceback."""

import pytest
from typer.testing import CliRunner

from hitparade import project
from hitparade.cli import app


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_a_folder_of_raw_files_that_is_none_is_named(kind, tmp_path, monkeypatch):
    named = tmp_path / "raw"
    if kind == "file":
        named.write_text("a file")
    monkeypatch.setenv("HITPARADE_RAW", str(named))
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "songs.duckdb"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert f"  HITPARADE_RAW names {named}, which is not a folder: create it" in result.output
    assert "database: " in result.output


def test_outside_of_a_project_it_says_what_to_do(tmp_path, monkeypatch):
    for variable in (*project.VARIABLES, "HITPARADE_RAW", "HITPARADE_SAMPLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["doctor"])
    assert isinstance(result.exception, SystemExit), result.exception
    assert f"there is no hitparade project in {tmp_path}" in result.output
