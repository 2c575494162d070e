"""The project that a command acts on."""

from pathlib import Path

import pytest

from hitparade import project
from hitparade.project import ProjectError

START = f"on-run-start:\n  - '{{{{ {project.MARK} }}}}'\n"


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A project under another name, and the working directory in it."""
    for variable in (*project.VARIABLES, "HITPARADE_DATABASE"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "clone"
    folder.joinpath("data", "raw").mkdir(parents=True)
    folder.joinpath(project.FILE).write_text(f"name: charts\n{START}")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("below", [".", "data/raw"])
def test_the_project_is_found_in_the_working_directory_or_above(clone, monkeypatch, below):
    monkeypatch.chdir(below)
    assert project.root() == clone
    assert project.database() == clone / "hitparade.duckdb"


def test_there_may_be_no_project(clone, monkeypatch):
    monkeypatch.chdir(clone.parent)
    sentence = f"no hitparade project in {clone.parent} or in a folder above it: change to"
    with pytest.raises(ProjectError, match=sentence):
        project.root()


def test_another_dbt_project_that_is_nearer_is_reported(clone, monkeypatch):
    other = clone / "data"
    other.joinpath(project.FILE).write_text("name: other\n")
    monkeypatch.chdir("data/raw")
    with pytest.raises(ProjectError, match=f"{other / project.FILE} is another dbt project"):
        project.root()


@pytest.mark.parametrize("variable", project.VARIABLES)
def test_dbts_environment_variables_name_the_project(clone, monkeypatch, variable):
    monkeypatch.chdir(clone.parent)
    monkeypatch.setenv(variable, "clone")
    assert project.root() == clone
    monkeypatch.setenv(variable, "clone/data")
    with pytest.raises(ProjectError, match=f"{variable} names {clone}/data, which has no dbt_proj"):
        project.root()


def test_the_variable_that_dbt_prefers_wins(clone, monkeypatch):
    monkeypatch.setenv("DBT_PROJECT_DIR", "no/such/folder")
    monkeypatch.setenv("DBT_ENGINE_PROJECT_DIR", ".")
    assert project.root() == clone


def test_a_named_database_needs_no_project(clone, monkeypatch):
    monkeypatch.chdir(clone.parent)
    monkeypatch.setenv("HITPARADE_DATABASE", "songs.duckdb")
    assert project.database() == clone.parent / "songs.duckdb"
