"""Every command that writes prints the path of the file it changed."""

import re
from pathlib import Path

import duckdb
import pytest
from typer.main import get_command

from hitparade.cli import app
from hitparade.sources import snowflake
from tests.e2e.registry import hitparade, other
from tests.hand_models import softmax
from tests.warehouse import ROOT, copy_project

# `watch` stores what it reported next to the database; its output is for people.
READING = {"models", "show", "doctor", "app", "watch", "password"}
MOOD = ("--task", "mood", "--inputs", "energy", "--labels", "calm,even,wild")
TUNE = ("hit", "--algorithm", "logistic_regression", "--trials", "1")
# Commands that run dbt.
BUILDING = {"build", "publish"}
# Arguments of each command and the path it changes; {database} and others are filled in.
WRITING = {
    "sample": ("--songs 50 --tracks 600 --playlists 20 --folder {folder}", "{folder}/dataset.csv"),
    "build": ("", "{database}"),
    "generate": ("", "{folder}/project/udfs/functions/generated/_hit.yml"),
    "publish": ("--select song_presets", "{database}"),
    "load": ("", "database songs of account mine"),
    "tune": (" ".join(TUNE), "{folder}/tuned/hit.yml"),
    "parquet": ("{folder}/parquet", "{folder}/parquet/playlists"),
    "report": ("--output {folder}/report.html", "{folder}/report.html"),
    "promote": ("hit {model}", "{database}"),
    "rollback": ("hit", "{database}"),
    "pin": ("hit", "{database}"),
    "unpin": ("hit", "{database}"),
    "assign": ("hit {model} 0.1", "{database}"),
    "prune": ("--keep 1", "{database}"),
    "register": ("{folder}/mood.onnx " + " ".join(MOOD), "{database}"),
    "unregister": ("{registered}", "{database}"),
    "evaluate": ("{registered} --rows labelled --label mood", "{database}"),
    "function": ("mood", "{folder}/project/tasks/mood.yml"),
    "upgrade": ("", "{database}"),
}


@pytest.fixture
def places(small_copy, small_sample, tmp_path, monkeypatch) -> dict[str, str]:
    """Paths and names that commands change; the working directory is another folder."""
    for name, value in small_copy.environment(HITPARADE_SAMPLE=str(small_sample)).items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "written"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(ROOT))
    (folder / "mood.onnx").write_bytes(softmax())
    return {
        "database": str(small_copy.database),
        "folder": str(folder),
        "model": other(small_copy),
    }


def prepared(name: str, places: dict[str, str], warehouse, monkeypatch) -> dict[str, str]:
    """Prepare the warehouse so that a command can change something."""
    if name in ("generate", "function"):
        project = copy_project(Path(places["folder"], "project"))
        (project / "udfs" / "functions" / "generated" / "_hit.yml").unlink()
        monkeypatch.setenv("DBT_PROJECT_DIR", str(project))
    if name == "load":
        monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "mine")
        monkeypatch.setenv("SNOWFLAKE_DATABASE", "songs")
        monkeypatch.setattr(snowflake.dbt, "run", lambda *_: True)
    if name == "rollback":
        assert hitparade(warehouse, "promote", "hit", places["model"]).exit_code == 0
    if name in ("unregister", "function", "evaluate"):
        said = hitparade(warehouse, "register", f"{places['folder']}/mood.onnx", *MOOD).output
        with duckdb.connect(warehouse.database) as connection:
            connection.execute("create table labelled as select 1 as energy, 'calm' as mood")
            connection.execute("insert into labelled values (-1, 'wild')")
        places |= {"registered": re.search(r"registered (\w+) for", said)[1]}
    if name == "upgrade":
        with duckdb.connect(warehouse.database) as connection:
            connection.execute("update ml.train_hit set registry_format = 2")
    return places


def test_each_command_is_listed_as_reading_or_writing():
    # tests/e2e/test_follow.py and tests/serve see what these print.
    endless = {"follow", "serve"}
    assert set(get_command(app).commands) == READING | set(WRITING) | endless


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=pytest.mark.slow) if one in BUILDING else one for one in WRITING],
)
def test_a_command_prints_the_path_it_wrote(name, places, small_copy, monkeypatch):
    places = prepared(name, places, small_copy, monkeypatch)
    words, path = (text.format(**places) for text in WRITING[name])
    result = hitparade(small_copy, name, *words.split())
    assert result.exit_code == 0, result.output
    folder = places["folder"]
    # A path below the working directory is printed relative to it.
    assert f"wrote {path.removeprefix(folder + '/')}" in result.output, result.output


def test_a_command_that_changes_nothing_prints_no_path(places, small_copy):
    for words in (["prune", "--dry-run", "--keep", "1"], ["upgrade"], ["show", "hit"], ["models"]):
        result = hitparade(small_copy, *words)
        assert result.exit_code == 0, result.output
        assert "wrote" not in result.output


def test_show_of_a_task_shows_its_champion(small_warehouse):
    ((champion,),) = small_warehouse.query("select model_id from ml.champions where task = 'hit'")
    by_task = hitparade(small_warehouse, "show", "hit").output
    assert by_task == hitparade(small_warehouse, "show", champion).output
    assert f"Model {champion}" in by_task


def test_an_unknown_name_is_answered_with_tasks_and_models(small_warehouse):
    result = hitparade(small_warehouse, "show", "hut")
    assert result.exit_code == 1
    for words in ("hut is neither a model", "hit, log_streams,", "see `hitparade models`"):
        assert words in result.output
