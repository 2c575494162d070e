"""`hitparade doctor` on the DuckDB target."""

import shutil

from typer.testing import CliRunner

from hitparade import cli


def test_a_finished_warehouse_passes_every_check(
    warehouse_with_playlists, sample_with_playlists, tmp_path, monkeypatch
):
    # The doctor opens the file for writing: another worker may have the shared one open.
    database = shutil.copy(warehouse_with_playlists.database, tmp_path / "finished.duckdb")
    monkeypatch.setenv("HITPARADE_DATABASE", str(database))
    monkeypatch.setenv("HITPARADE_SAMPLE", str(sample_with_playlists))
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    assert "chart_songs: sample: 953 rows" in result.stdout.replace("\n", " ")
    ((models,),) = warehouse_with_playlists.query("select count(*) from ml.registry")
    assert f"{models} models" in result.stdout


def test_a_missing_database_and_missing_raw_files_are_no_problem(monkeypatch, tmp_path):
    """A build creates both."""
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "new.duckdb"))
    monkeypatch.setenv("HITPARADE_SAMPLE", str(tmp_path / "sample"))
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path))
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.stdout
    assert result.stdout.count("absent: a build writes a sample") == 3


def test_an_unreadable_raw_file_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "new.duckdb"))
    monkeypatch.setenv("HITPARADE_SAMPLE", "0")
    monkeypatch.setenv("HITPARADE_RAW", str(tmp_path))
    (tmp_path / "dataset.csv").write_text("no,such,columns\n")
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert "lacks the columns track_id" in result.stdout
    assert "absent: it stays empty" in result.stdout


def test_a_file_that_is_not_a_database_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("HITPARADE_DATABASE", str(tmp_path / "broken.duckdb"))
    (tmp_path / "broken.duckdb").write_text("no database")
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 1
    assert "cannot be used" in result.stdout
