"""The `hitparade` command."""

import pytest
from typer.testing import CliRunner

from hitparade import cli


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run the command with a separate database and folders."""

    def run(*arguments, **environment):
        own = {
            "HITPARADE_DATABASE": str(tmp_path / "songs.duckdb"),
            "HITPARADE_RAW": str(tmp_path / "raw"),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
        }
        for name, value in (own | environment).items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(cli.app, list(arguments))

    (tmp_path / "raw").mkdir()
    return run


def test_sample_writes_the_files_that_it_prints(command, tmp_path):
    result = command("sample", "--songs", "50", "--tracks", "600", "--folder", str(tmp_path / "s"))
    assert result.exit_code == 0
    for name in ("spotify-2023.csv", "dataset.csv", "ceilings.csv"):
        assert str(tmp_path / "s" / name) in result.stdout
        assert (tmp_path / "s" / name).is_file()


def test_sample_reports_the_sizes_that_it_supports(command, tmp_path):
    result = command("sample", "--tracks", "5", "--folder", str(tmp_path / "s"))
    assert result.exit_code == 2
    assert "tracks=5 is out of range" in result.output


@pytest.mark.slow
def test_build_ends_with_sources_champions_and_a_query(command, small_sample, capfd):
    result = command("build", HITPARADE_SAMPLE=str(small_sample))
    assert result.exit_code == 0, capfd.readouterr().out
    for words in ("chart_songs", "sample", "2000", "roc_auc", "rmse", "songs.duckdb", "dbt show"):
        assert words in result.stdout


def test_build_names_a_folder_that_does_not_exist(command):
    result = command("build", HITPARADE_RAW="/no/such/folder")
    assert result.exit_code == 1
    assert "HITPARADE_RAW names /no/such/folder, which is not a folder" in result.output
