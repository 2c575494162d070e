"""A model is retrained if its code changes, and only then."""

import ast
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import duckdb
import pytest

from models_py import fingerprints, runs
from models_py.tasks import TASKS
from tests.warehouse import ROOT

# The files that retrain each (task, algorithm), besides the files that retrain all.
LINEAR = ("hit", "logistic_regression")
FOREST = ("hit", "random_forest")
NET = ("popularity", "mlp")
CODES = {
    "next_song": "models_py.next_song.training",
    "song_optimization": "models_py.song_optimization.training",
}


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A copy of models_py from which fingerprints are taken."""
    copied = shutil.copytree(ROOT / "models_py", tmp_path / "models_py")
    monkeypatch.setattr(fingerprints, "CODE", copied)
    yield copied
    fingerprints._all_parsed.cache_clear()


def all_fingerprints():
    fingerprints._all_parsed.cache_clear()
    found = {
        (name, algorithm): runs._code_of(name, algorithm)
        for name, task in TASKS.items()
        for algorithm in task.algorithms
    }
    return found | {name: fingerprints.of_code([module]) for name, module in CODES.items()}


def changed_by(code, file, text):
    """The models whose fingerprints change if text is added to a file."""
    before = all_fingerprints()
    path = code / file
    path.write_text((path.read_text() if path.exists() else "") + text)
    after = all_fingerprints()
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("file", ["training.py", "algorithms/linear.py", "net.py", "metrics.py"])
def test_a_comment_retrains_nothing(code, file):
    assert changed_by(code, file, "\n\n# a comment\n") == set()


def test_a_docstring_retrains_nothing(code):
    path = code / "training.py"
    before = all_fingerprints()
    text = path.read_text()
    path.write_text(text.replace('"""Train the algorithms', '"""Now train the algorithms', 1))
    assert path.read_text() != text
    assert all_fingerprints() == before


def test_a_new_file_retrains_nothing(code):
    assert changed_by(code, "algorithms/newest.py", "WEIGHT = 1\n") == set()


def test_a_new_algorithm_or_task_retrains_nothing_else(code):
    assert changed_by(code, "algorithms/__init__.py", "\nMORE = 1\n") == set()
    assert changed_by(code, "generated/tasks.py", "\nMORE = 1\n") == set()


def test_files_read_only_by_tuning_retrain_nothing(code):
    assert changed_by(code, "spaces.py", "\nMORE = 1\n") == set()
    assert changed_by(code, "search.py", "\nMORE = 1\n") == set()


def test_a_changed_algorithm_retrains_its_users(code):
    changed = changed_by(code, "algorithms/linear.py", "\nMORE = 1\n")
    assert LINEAR in changed
    assert FOREST not in changed and NET not in changed
    assert not changed & set(CODES)


def test_a_changed_net_retrains_its_users(code):
    changed = changed_by(code, "net.py", "\nMORE = 1\n")
    assert changed == {NET, ("popularity", "hybrid"), "song_optimization"}


def test_a_changed_file_of_next_songs_retrains_only_next_songs(code):
    assert changed_by(code, "next_song/ranker.py", "\nMORE = 1\n") == {"next_song"}


def test_a_changed_shared_file_retrains_everything(code):
    assert changed_by(code, "export.py", "\nMORE = 1\n") == set(all_fingerprints())


def test_threads_can_take_fingerprints_at_the_same_time(monkeypatch):
    """If one waits in the middle, syntax trees of two threads are a SystemError."""
    trees = []

    def parse(*arguments):
        trees.append(ast.parse(*arguments))
        time.sleep(0)  # lets another thread run
        return trees[-1]

    monkeypatch.setattr(fingerprints, "ast", SimpleNamespace(**vars(ast) | {"parse": parse}))
    fingerprints._all_parsed.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(fingerprints.of_code, [[CODES["next_song"]]] * 8))
    assert len({*found}) == 1
    assert len(trees) == len(list((ROOT / "models_py").rglob("*.py")))  # each by one thread


def test_changed_bounds_retrain_song_optimization(monkeypatch):
    definitions = []
    monkeypatch.setattr(runs, "_changed", lambda run, *_: definitions.append(run["definition"]))
    songs = duckdb.sql("select 'a' as track_id, 'b' as artist, 'test' as part, 0.5 as x, 1.0 as y")
    genres = duckdb.sql("select 'pop' as genre")
    for bounds in (runs.BOUNDS, runs.BOUNDS, runs.BOUNDS | {"tempo": (90.0, 130.0)}):
        monkeypatch.setattr(runs, "BOUNDS", bounds)
        runs.train_song_optimization(songs, genres, {}, {})
    assert definitions[0] == definitions[1] != definitions[2]


def test_a_changed_metric_retrains_its_task(monkeypatch):
    from dataclasses import replace

    before = runs._code_of("hit", "xgboost")
    monkeypatch.setitem(TASKS, "hit", replace(TASKS["hit"], metric="log_loss"))
    assert runs._code_of("hit", "xgboost") != before
