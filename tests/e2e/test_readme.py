"""The README's queries give the output printed under them, and its files and commands exist."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from hitparade.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ON_SAMPLE, ON_REAL_FILES = (
    re.findall(r"```sql\n(.*?)```\n\n```text\n(.*?)```", part, flags=re.S)
    for part in README.split("## Your own files")
)


@pytest.mark.parametrize(("query", "output"), ON_SAMPLE)
def test_a_query_prints_what_the_readme_shows(warehouse, query, output):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        assert str(connection.sql(query)).rstrip() == output.rstrip()


def test_a_query_on_the_published_files_prints_what_the_readme_shows(real_files, empty):
    empty.raw.mkdir()
    shutil.copy(real_files / "spotify-2023.csv", empty.raw)
    empty.dbt("build")
    ((query, output),) = ON_REAL_FILES
    with duckdb.connect(empty.database, read_only=True) as connection:
        assert str(connection.sql(query)).rstrip() == output.rstrip()


def test_every_query_of_the_readme_is_followed_by_its_output():
    assert len(ON_SAMPLE) + len(ON_REAL_FILES) == README.count("```sql") == 6


def test_every_function_is_in_the_readme():
    functions = {path.stem for path in (ROOT / "udfs" / "functions").glob("*.sql")}
    assert functions == set(re.findall(r"`(\w+)\(", README)) & functions


def test_every_command_is_in_the_readme():
    shown = CliRunner().invoke(app, ["--help"]).stdout
    names = [command.callback.__name__ for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.name in shown
        shown += CliRunner().invoke(app, [group.name, "--help"]).stdout
        for command in group.typer_instance.registered_commands:
            names.append(f"{group.name} {command.name or command.callback.__name__}")
    for name in names:
        assert name.split(" ")[-1] in shown
        assert f"`hitparade {name}`" in README


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_a_link_leads_somewhere(link):
    assert (ROOT / link).exists()
