"""What trains again: a change of what a model is made by, and nothing else."""

import shutil

import pytest

from models_py import fingerprints, runs
from models_py.tasks import TASKS
from tests.warehouse import ROOT

# (task, algorithm): what trains it, beside what trains all.
LINEAR = ("hit", "logistic_regression")
FOREST = ("hit", "random_forest")
NET = ("popularity", "mlp")
CODES = {
    "next_song": "models_py.next_song.training",
    "song_optimization": "models_py.song_optimization.training",
}


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of models_py that fingerprints are taken of."""
    copied = shutil.copytree(ROOT / "models_py", tmp_path / "models_py")
    monkeypatch.setattr(fingerprints, "CODE", copied)
    yield copied
    fingerprints._parsed.cache_clear()


def all_fingerprints():
    fingerprints._parsed.cache_clear()
    found = {
        (name, algorithm): runs._code_of(name, algorithm)
        for name, task in TASKS.items()
        for algorithm in task.algorithms
    }
    return found | {name: fingerprints.of_code([module]) for name, module in CODES.items()}


def changed_by(code, file, text):
    """Whose fingerprints change when a text is added to a file."""
    before = all_fingerprints()
    path = code / file
    path.write_text((path.read_text() if path.exists() else "") + text)
    after = all_fingerprints()
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("file", ["training.py", "algorithms/linear.py", "net.py", "metrics.py"])
def test_a_comment_trains_nothing(code, file):
    assert changed_by(code, file, "\n\n# a comment\n") == set()


def test_a_docstring_trains_nothing(code):
    path = code / "training.py"
    before = all_fingerprints()
    text = path.read_text()
    path.write_text(text.replace('"""Train the algorithms', '"""Now train the algorithms', 1))
    assert path.read_text() != text
    assert all_fingerprints() == before


def test_a_new_file_trains_nothing(code):
    assert changed_by(code, "algorithms/newest.py", "WEIGHT = 1\n") == set()


def test_a_new_algorithm_or_task_in_the_lists_trains_nothing(code):
    assert changed_by(code, "algorithms/__init__.py", "\nMORE = 1\n") == set()
    assert changed_by(code, "generated/tasks.py", "\nMORE = 1\n") == set()


def test_what_tuning_alone_reads_trains_nothing(code):
    assert changed_by(code, "spaces.py", "\nMORE = 1\n") == set()
    assert changed_by(code, "search.py", "\nMORE = 1\n") == set()


def test_an_algorithm_trains_what_uses_it(code):
    changed = changed_by(code, "algorithms/linear.py", "\nMORE = 1\n")
    assert LINEAR in changed
    assert FOREST not in changed and NET not in changed
    assert not changed & set(CODES)


def test_the_net_trains_what_uses_it(code):
    changed = changed_by(code, "net.py", "\nMORE = 1\n")
    assert changed == {NET, ("popularity", "hybrid"), "song_optimization"}


def test_a_file_of_next_songs_trains_next_songs_alone(code):
    assert changed_by(code, "next_song/ranker.py", "\nMORE = 1\n") == {"next_song"}


def test_what_all_use_trains_all(code):
    assert changed_by(code, "export.py", "\nMORE = 1\n") == set(all_fingerprints())


def test_the_metric_of_a_task_is_a_part_of_what_trains_it(monkeypatch):
    from dataclasses import replace

    before = runs._code_of("hit", "xgboost")
    monkeypatch.setitem(TASKS, "hit", replace(TASKS["hit"], metric="log_loss"))
    assert runs._code_of("hit", "xgboost") != before
