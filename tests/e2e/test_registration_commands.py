"""Registering models by the command line: `hitparade register` and `hitparade function`."""

import re

import duckdb
import numpy as np
import pytest

import udfs
from tests.e2e.registry import hitparade
from tests.e2e.test_registration import NAMES, scores
from tests.hand_models import linear, net, sine, softmax
from tests.warehouse import Warehouse, copy_project

pytestmark = pytest.mark.slow


@pytest.fixture
def own_project(small_copy, tmp_path, monkeypatch) -> Warehouse:
    """A copy of the project, which is the working directory."""
    project = copy_project(tmp_path / "project")
    monkeypatch.chdir(project)
    return Warehouse(small_copy.folder, project)


def test_a_registered_file_gets_its_own_function(own_project, small_sample, tmp_path):
    file = tmp_path / "calm_or_wild.onnx"
    file.write_bytes(softmax())
    given = ("--task", "mood", "--inputs", "energy", "--labels", "calm,even,wild", "--promote")
    said = hitparade(own_project, "register", str(file), *given).output
    assert "runs on both backends" in said
    assert "task mood: the champion is now calm_or_wild" in said
    said = hitparade(own_project, "function", "mood").output
    (names,) = re.findall(r"hitparade publish --select (.*)", said)
    own_project.dbt("build", "--select", *names.split())
    query = "select predict_mood(2), predict_mood_proba(-2).calm, check_mood(null)"
    ((label, calm, problems),) = own_project.query(query)
    assert label == "calm"
    assert calm == pytest.approx(np.exp(-2) / (np.exp(2) + 1 + np.exp(-2)), rel=1e-5)
    assert problems == ["energy is missing"]
    again = hitparade(own_project, "function", "mood")
    assert again.exit_code == 1
    assert "task mood already has a declaration" in again.output


def test_a_generated_function_takes_a_row_and_checks_its_inputs(own_project, tmp_path):
    with duckdb.connect(own_project.database) as connection:
        model_id = udfs.register_model(
            connection, linear([1.0, 2.0, 0.5], 1.0), task="glow", inputs=NAMES
        )
        udfs.promote(connection, "glow", model_id)
    hitparade(own_project, "function", "glow")
    own_project.dbt("build", "--select", "predict_glow", "check_glow")
    query = (
        "select predict_glow(t), 1 + energy + 2 * valence + tempo / 2 "
        "from dim_tracks as t where tempo > 0 limit 20"
    )
    for found, expected in own_project.query(query):
        assert found == pytest.approx(expected, rel=1e-6)
    with duckdb.connect(own_project.database) as connection:
        other = udfs.register_model(connection, net(), task="glow", inputs=["a", "b"])
        with pytest.raises(udfs.ModelError, match="takes a, b, but the functions of task glow"):
            udfs.promote(connection, "glow", other)


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ("Energy,b", "Energy cannot be the name of an argument in SQL"),
        ("select,b", "select cannot"),
        ("t,b", "t cannot"),
        ("left,b", "left cannot"),
    ],
)
def test_names_that_are_invalid_in_sql_are_refused(own_project, inputs, sentence):
    with duckdb.connect(own_project.database) as connection:
        udfs.register_model(connection, net(), task="mood", inputs=inputs.split(","))
    result = hitparade(own_project, "function", "mood")
    assert result.exit_code == 1
    assert sentence in result.output.replace("\n", " ")
    assert not (own_project.project / "tasks" / "mood.yml").exists()


def test_a_declaration_needs_both_rows_and_key(own_project):
    with duckdb.connect(own_project.database) as connection:
        udfs.register_model(connection, linear([1.0], 0.0), task="glow", inputs=["energy"])
    result = hitparade(own_project, "function", "glow", "--rows", "dim_tracks")
    assert result.exit_code == 1
    assert "need both --rows and --key" in result.output


def test_a_model_without_examples_is_not_explained(own_project):
    with duckdb.connect(own_project.database) as connection:
        model_id = udfs.register_model(
            connection, linear([1.0, 2.0], 0.0), task="glow", inputs=["energy", "valence"]
        )
        udfs.promote(connection, "glow", model_id)
    hitparade(own_project, "function", "glow")
    own_project.dbt("build", "--select", "explain_glow", "explanation_plans")
    with pytest.raises(duckdb.Error, match="task glow has no background rows"):
        own_project.query("select explain_glow(0.5, 0.5)")


def test_a_file_that_is_not_a_model_is_refused(small_copy, tmp_path):
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x04\x95")
    result = hitparade(small_copy, "register", str(file), "--task", "mood", "--inputs", "a")
    assert result.exit_code == 1
    assert "this is not an ONNX model" in result.output
    missing = hitparade(small_copy, "register", str(tmp_path / "no"), "--task", "m")
    assert missing.exit_code == 2
    # The message is in a frame that may break lines inside the path.
    assert "does not exist" in " ".join(missing.output.replace("│", " ").split())


def test_a_registered_model_survives_the_next_build(small_copy, small_sample):
    with duckdb.connect(small_copy.database) as connection:
        model_id = udfs.register_model(connection, sine(1), task="mood", inputs=["a"])
        udfs.promote(connection, "mood", model_id)
    small_copy.build(HITPARADE_SAMPLE=str(small_sample))
    assert small_copy.query("select model_id from ml.champions where task = 'mood'") == [
        (model_id,)
    ]
    with duckdb.connect(small_copy.database, read_only=True) as connection:
        udfs.register(connection)
        assert scores(connection, model_id, np.ones((1, 1)))[0][0] == pytest.approx(np.sin(1))
