"""The README's queries give the output printed under them, and its files and commands exist."""

import re
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from hitparade.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.S)


@pytest.mark.parametrize(("query", "output"), QUERIES)
def test_a_query_prints_what_the_readme_shows(warehouse, query, output):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        assert str(connection.sql(query)).rstrip() == output.rstrip()


def test_every_query_of_the_readme_is_followed_by_its_output():
    assert len(QUERIES) == README.count("```sql") == 3


def test_every_function_is_in_the_readme():
    functions = {path.stem for path in (ROOT / "udfs" / "functions").glob("*.sql")}
    assert functions == set(re.findall(r"`(\w+)\(", README)) & functions


def test_every_command_is_in_the_readme():
    shown = CliRunner().invoke(app, ["--help"]).stdout
    for command in app.registered_commands:
        name = command.callback.__name__
        assert name in shown
        assert f"`hitparade {name}`" in README


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_a_link_leads_somewhere(link):
    assert (ROOT / link).exists()
