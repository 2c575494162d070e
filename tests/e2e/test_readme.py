"""The README's queries give the output printed under them, and its files and commands exist."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

import udfs
from hitparade.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ON_SAMPLE, ON_REAL_FILES = (
    re.findall(r"```sql\n(.*?)```\n\n```text\n(.*?)```", part, flags=re.S)
    for part in README.split("## Your own files")
)


# What nets answer, which have no form in pure SQL. Trained on another processor they answer nearly
# the same, and choose other rows where two are near each other.
NETS = re.compile(r"next_songs_for_title\(|optimize_song\(")


def cells(output: str) -> list[list[str]]:
    """The cells of each line of a printed table."""
    lines = [line for line in output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "output"), [case for case in ON_SAMPLE if not NETS.search(case[0])]
)
def test_a_query_prints_what_the_readme_shows(warehouse, query, output):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        assert str(connection.sql(query)).rstrip() == output.rstrip()


@pytest.mark.slow
@pytest.mark.parametrize(("query", "output"), [case for case in ON_SAMPLE if NETS.search(case[0])])
def test_a_query_of_nets_prints_nearly_what_the_readme_shows(warehouse, query, output):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        printed = cells(str(connection.sql(query)))
    shown = cells(output)
    assert printed[:2] == shown[:2]  # names and types
    assert len(printed) == len(shown)
    place = shown[1].index("varchar")
    here, there = ({row[place]: row for row in rows[2:]} for rows in (printed, shown))
    # Of three that are near each other, another may come last.
    assert len(here.keys() & there.keys()) >= len(there) - 1
    for name in here.keys() & there.keys():
        for column, one, other in zip(shown[0], here[name], there[name], strict=True):
            if name not in (one, other) and column != "rank":
                assert float(one) == pytest.approx(float(other), rel=0.2, abs=0.02)


@pytest.mark.slow
def test_a_query_on_the_published_files_prints_what_the_readme_shows(real_files, empty):
    empty.raw.mkdir()
    shutil.copy(real_files / "spotify-2023.csv", empty.raw)
    empty.dbt("build")
    ((query, output),) = ON_REAL_FILES
    with duckdb.connect(empty.database, read_only=True) as connection:
        assert str(connection.sql(query)).rstrip() == output.rstrip()


def test_every_query_of_the_readme_is_followed_by_its_output():
    assert len(ON_SAMPLE) + len(ON_REAL_FILES) == README.count("```sql") == 10


def test_every_function_is_in_the_readme():
    functions = {path.stem for path in (ROOT / "udfs" / "functions").glob("*.sql")}
    assert functions == set(re.findall(r"`(\w+)\(", README)) & functions


def commands(group, prefix: str = "") -> list[str]:
    """The names of all commands, those of named groups with the group's name before them."""
    names = [
        prefix + (command.name or command.callback.__name__)
        for command in group.registered_commands
    ]
    for inner in group.registered_groups:
        is_named = isinstance(inner.name, str)
        names += commands(inner.typer_instance, f"{prefix}{inner.name} " if is_named else prefix)
    return names


@pytest.mark.parametrize("name", commands(app))
def test_every_command_is_in_the_readme(name):
    assert CliRunner().invoke(app, [*name.split(" "), "--help"]).exit_code == 0
    assert f"`hitparade {name}`" in README


def test_the_program_that_registers_a_model_runs(small_copy, monkeypatch):
    programs = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    (program,) = (text for text in programs if "register_model" in text)
    shutil.copy(small_copy.database, small_copy.folder / "hitparade.duckdb")
    monkeypatch.chdir(small_copy.folder)
    exec(compile(program, "README.md", "exec"), found := {})
    model_id, connection = found["model_id"], found["connection"]
    query = "select onnx_predict(?, [0.8, 0.6, 124])[1]"
    ((answer,),) = connection.execute(query, [model_id]).fetchall()
    connection.close()
    assert answer == pytest.approx(found["model"].predict([[0.8, 0.6, 124]])[0], rel=1e-5)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_a_link_leads_somewhere(link):
    assert (ROOT / link).exists()
