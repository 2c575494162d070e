"""A new tabular task is one handwritten file: after a build, it is everywhere."""

import os
import shutil
import subprocess
import sys

import duckdb
import pytest

import udfs
from tests.warehouse import ROOT, Warehouse, copy_project

pytestmark = pytest.mark.slow

MOOD = """
# Whether a track sounds cheerful.
task: mood
answers: the probability that a track sounds cheerful
entity: tracks
kind: binary
arguments: [danceability, energy, tempo, explicit]
label:
  name: is_cheerful
  sql: valence > 0.5
  description: True where the valence is above the middle.
metric: roc_auc
algorithms:
  logistic_regression: {}
  xgboost: {n_estimators: 40, max_depth: 3}
defined_by: [excluded_genres, pair_keep_rule]
prediction: cheerful_probability
example: select round(predict_mood(0.7, 0.8, 120, false), 3) as cheerful
"""
CALL = "(danceability := 0.7, energy := 0.8, tempo := 120, explicit := false)"


def generate(project) -> None:
    program = "from pathlib import Path; from hitparade import generate; generate.write(Path())"
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        check=True,
    )


@pytest.fixture(scope="module")
def mood(small_warehouse, small_sample, tmp_path_factory):
    """The small warehouse, built again by a project with one more task file."""
    folder = tmp_path_factory.mktemp("mood")
    shutil.copytree(small_warehouse.folder, folder, dirs_exist_ok=True)
    shutil.rmtree(folder / "target")
    project = copy_project(folder / "project")
    for package in ("hitparade", "models_py"):
        shutil.copytree(ROOT / package, project / package)
    built = Warehouse(folder, project)
    before = set(project.rglob("*.*"))
    (project / "tasks" / "mood.yml").write_text(MOOD.strip() + "\n")
    generate(project)
    written = {path for path in project.rglob("*.*") if "__pycache__" not in path.parts} - before
    assert {path.parent.name for path in written} == {"tasks", "generated"}
    built.dbt("build", HITPARADE_SAMPLE=str(small_sample), PYTHONPATH=str(project))
    return built


def test_it_is_trained_and_promoted_like_the_others(mood):
    found = mood.query(
        "select algorithm, is_champion from rpt_model_leaderboard where task = 'mood' order by all"
    )
    assert [algorithm for algorithm, _ in found] == ["logistic_regression", "xgboost"]
    assert sum(is_champion for _, is_champion in found) == 1
    verdict = "select count(*) from rpt_model_leaderboard where task = 'mood' and verdict is null"
    assert mood.query(verdict) == [(0,)]


def test_nothing_else_was_trained_again(mood, small_warehouse):
    versions = "select task, max(version) from ml.model_versions where task <> 'mood' group by all"
    assert dict(mood.query(versions)) == dict(small_warehouse.query(versions))


@pytest.mark.parametrize("backend", ["SQL", "ONNX Runtime"])
def test_its_functions_answer(mood, backend):
    with duckdb.connect(mood.database, read_only=True) as connection:
        if backend == "ONNX Runtime":
            udfs.register(connection)
        (answers,) = connection.execute(
            f"select predict_mood{CALL}, predict_mood_by('xgboost', 0.7, 0.8, 120, false), "
            "check_mood(0.7, 0.8, null, false), encode_mood(0.7, 0.8, 120, true), "
            f"list_sum(list_transform(explain_mood{CALL}, lambda term: term.contribution))"
        ).fetchall()
        probability, by_xgboost, findings, encoded, explained = answers
        assert 0 < probability < 1 and 0 < by_xgboost < 1
        assert findings == ["tempo is missing"]
        assert encoded == [0.7, 0.8, 120, 1]
        assert explained == pytest.approx(probability, abs=1e-6)
        by_row = "select count(*) from dim_tracks as t where predict_mood(t) is not null"
        assert connection.execute(by_row).fetchall()[0][0] > 1_000


def test_its_predictions_are_stored_like_the_others(mood):
    wrong = mood.query(
        "select count(*) from fct_track_predictions inner join dim_tracks as t using (track_id) "
        "where abs(cheerful_probability - predict_mood(t)) > 1e-5 or mood_model_id is null"
    )
    assert wrong == [(0,)]
    stored = "select table_name from ml.stored_predictions where task = 'mood'"
    assert mood.query(stored) == [("fct_track_predictions",)]


@pytest.mark.parametrize(
    ("report", "column", "expected"),
    [
        ("rpt_prediction_drift", "prediction", {"cheerful_probability"}),
        ("rpt_feature_drift", "feature", {"danceability", "energy", "tempo", "explicit"}),
        ("rpt_feature_importance", "feature", {"danceability", "energy", "tempo", "explicit"}),
    ],
)
def test_reports_include_it(mood, report, column, expected):
    found = mood.query(f"select distinct {column} from {report} where task = 'mood'")
    assert {name for (name,) in found} == expected


def test_the_page_the_summary_and_tuning_include_it(mood):
    program = (
        "from hitparade.app import queries; from hitparade.cli import summary; "
        "from models_py.tasks import TASKS; from models_py.spaces import space_of; "
        "song = '(select 0.7 as danceability, 0.8 as energy, 120 as tempo, false as explicit)'; "
        "print(queries.numbers(song, {'mood'}, [])); print(summary.QUERIES['mood']); "
        "print(sorted(space_of(TASKS['mood'], 'xgboost'))[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=mood.project,
        env=os.environ | {"PYTHONPATH": str(mood.project)},
        capture_output=True,
        text=True,
    )
    *page, example, space = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert 0 < mood.query("\n".join(page))[0][0] < 1
    assert 0 < mood.query(example)[0][0] < 1
    assert space == "colsample_bytree"


def test_changed_and_new_predictions_are_stored_for_all_rows(mood, small_sample, tmp_path):
    shutil.copytree(mood.folder, tmp_path, dirs_exist_ok=True)
    changed = Warehouse(tmp_path, tmp_path / "project")
    file = changed.project / "tasks" / "log_streams.yml"
    derived = "  streams:\n    sql: nullif(exp({{ answer }}), cast('inf' as double)) - 1\n"
    assert derived in file.read_text()
    other = "  twice:\n    sql: 2 * {{ answer }}\n    answers: twice the answer\n"
    given = file.read_text().replace(derived, derived.replace("- 1", "- 2") + "MORE")
    answers = "    answers: the streams of a chart song, exp(predict_log_streams) - 1\n"
    file.write_text(given.replace(f"MORE{answers}", answers + other))
    generate(changed.project)
    built = ("predict_streams", "predict_twice", "fct_song_predictions")
    sample = {"HITPARADE_SAMPLE": str(small_sample), "PYTHONPATH": str(changed.project)}
    changed.dbt("build", "--select", *built, **sample)
    differ = changed.query(
        "select count(*) filter (abs(streams - (exp(log_streams) - 2)) > 1e-6 * streams), "
        "count(*) filter (twice is distinct from 2 * log_streams), count(twice) > 100 "
        "from fct_song_predictions"
    )
    assert differ == [(0, 0, True)]
