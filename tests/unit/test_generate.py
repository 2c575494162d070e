"""`hitparade generate`: committed files follow from the declarations; errors name the cause."""

import shutil

import pytest
import yaml

from hitparade import generate
from hitparade.generate import DeclarationError, declarations
from tests.conftest import ROOT

HIT = yaml.safe_load((ROOT / "tasks" / "hit.yml").read_text())


def project(folder):
    """A project with nothing but its declarations."""
    shutil.copytree(ROOT / "tasks", folder / "tasks")
    return folder


def test_the_committed_files_are_those_of_the_declarations():
    assert generate.check(ROOT) == []


def test_every_generated_file_says_so_in_its_first_line():
    for path, text in generate.files(ROOT).items():
        assert generate.NOTICE in text.splitlines()[0], path


def test_nothing_but_generated_files_stands_in_their_folders():
    folders = {path.parent for path in generate.files(ROOT)}
    assert {folder.name for folder in folders} == {"generated"}
    found = {path for folder in folders for path in folder.glob("*.*")}
    assert {path.name for path in found - set(generate.files(ROOT))} <= {"__init__.py"}


def test_a_second_run_changes_nothing(tmp_path):
    root = project(tmp_path)
    assert len(generate.write(root)) == len(generate.files(root))
    assert generate.write(root) == []


def test_a_task_that_is_gone_takes_its_files_along(tmp_path):
    root = project(tmp_path)
    generate.write(root)
    (root / "tasks" / "hit.yml").unlink()
    assert any(path.name == "predict_hit.sql" for path in generate.check(root))
    generate.write(root)
    assert list(root.rglob("*_hit*")) == []
    assert "predict_hit" not in "".join(path.read_text() for path in root.rglob("*.sql"))


def test_a_file_that_a_person_changed_is_named(tmp_path):
    root = project(tmp_path)
    generate.write(root)
    path = root / "udfs" / "functions" / "generated" / "predict_hit.sql"
    path.write_text(path.read_text() + "-- by hand\n")
    assert generate.check(root) == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "other"}, "task is 'other': give the name of the file"),
        ({"entity": "albums"}, "entity is albums: use one of tracks, chart_songs"),
        ({"kind": "ranking"}, "kind is ranking: use one of regression, binary, multiclass"),
        ({"metric": "rmse"}, "metric is rmse: use one of roc_auc"),
        ({"algorithms": {"prophet": {}}}, "of kind binary is prophet: use one of logistic_reg"),
        ({"arguments": ["danceability", "lyrics"]}, "tracks has no column lyrics: declare it in"),
        ({"arguments": ["genres", "energy"]}, "genres becomes many inputs: it must stand last"),
        ({"labels": ["a", "b"]}, "a task of kind multiclass has `labels`, others have none"),
        ({"kind": "multiclass", "metric": "accuracy"}, "a task of kind multiclass has `labels`"),
        ({"metrics": "roc_auc"}, "has metrics: it may have algorithms, answers"),
        ({"label": {"name": "is_hit"}}, "hit.label lacks description, sql"),
        ({"example": None, "answers": None}, None),
        (
            {"derived": {"tier": {"sql": "1", "answers": "one"}}},
            "both have a function predict_tier",
        ),
        ({"search": {"ridge": {}}}, "an algorithm of `search` is ridge: use one of logistic"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_wrong_declaration_names_the_cause(tmp_path, changes, message):
    root = project(tmp_path)
    (root / "tasks" / "hit.yml").write_text(yaml.safe_dump(HIT | changes))
    if message is None:
        changes = {name: value for name, value in HIT.items() if name not in changes}
        (root / "tasks" / "hit.yml").write_text(yaml.safe_dump(changes))
        message = "hit lacks answers, example"
    with pytest.raises(DeclarationError, match=message):
        generate.files(root)


def test_a_folder_without_declarations_says_what_to_do(tmp_path):
    with pytest.raises(DeclarationError, match=r"there is no .*columns.yml: start in a hitparade"):
        generate.files(tmp_path)


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    root = project(tmp_path)
    (root / "tasks" / "hit.yml").write_text("task: [")
    with pytest.raises(DeclarationError, match=r"hit.yml is no YAML"):
        declarations.read(root / "tasks")
