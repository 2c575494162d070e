"""The search for hyperparameters, on small tables."""

import json
import re

import numpy as np
import pytest
import yaml
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hitparade import tune
from models_py import export, search, training
from models_py.algorithms import ALGORITHMS
from models_py.examples import HOLDOUT, TrainingError, examples
from models_py.search import Limits
from models_py.spaces import SPACES, space_of
from models_py.tasks import TASKS
from tests.unit.test_training import VOCABULARIES, table
from tests.warehouse import ROOT

FEW = {"n_estimators": 50, "max_depth": 2}
SEARCHED = [
    (name, algorithm)
    for name, task in TASKS.items()
    for algorithm in task.algorithms
    if algorithm in SPACES
]


def rows_of(task, **options):
    return examples(task, table(task, **options), VOCABULARIES)


def searched(task, algorithm, given, **limits):
    """All trials of a search on the folds other than HOLDOUT."""
    rows, _ = rows_of(task).split(HOLDOUT)
    return list(search.search(task, algorithm, rows, given, Limits(**limits)))


def outcome(trials):
    return search.outcome(TASKS["hit"], "xgboost", rows_of(TASKS["hit"]), trials)


@pytest.mark.parametrize("trials", [1, 4])
def test_a_search_starts_with_the_present_settings_and_ends_after_its_trials(trials):
    found = searched(TASKS["hit"], "xgboost", [FEW], trials=trials)
    assert [trial.number for trial in found] == list(range(trials))
    assert found[0].settings == FEW
    assert found[0].state == "complete"


def test_a_search_ends_on_time_and_may_stop_a_trial_between_folds(monkeypatch):
    clock = [0.0]

    def score(*_):
        clock[0] += 1
        return 0.5

    monkeypatch.setattr(search, "monotonic", lambda: clock[0])
    monkeypatch.setattr(search, "_score", score)
    found = searched(TASKS["hit"], "xgboost", [FEW], trials=100, seconds=10)
    assert [(trial.state, len(trial.folds)) for trial in found] == [
        ("complete", 4),
        ("complete", 4),
        ("cut", 2),
    ]
    assert found[-1].value is None
    assert clock[0] == 10


def test_without_a_trial_on_all_folds_there_is_no_outcome(monkeypatch):
    monkeypatch.setattr(search, "monotonic", iter(range(100)).__next__)
    found = searched(TASKS["hit"], "xgboost", [FEW], trials=100, seconds=3)
    assert [trial.state for trial in found] == ["cut"]
    assert outcome(found) is None


def test_equal_seeds_give_equal_searches():
    one, other, third = (
        [t.settings for t in searched(TASKS["hit"], "xgboost", [FEW], trials=3, seed=seed)]
        for seed in (0, 0, 1)
    )
    assert one == other
    assert one[0] == third[0]
    assert one[1] != third[1]


def test_the_value_of_a_trial_is_the_mean_over_unseen_folds():
    (trial,) = searched(TASKS["popularity"], "ridge", [{"ridge__alpha": 3}], trials=1)
    rows, _ = rows_of(TASKS["popularity"]).split(HOLDOUT)
    folds = []
    for fold in range(1, 5):
        seen, held_out = rows.split(fold)
        model = make_pipeline(StandardScaler(), Ridge(alpha=3)).fit(seen.features, seen.label)
        folds.append(root_mean_squared_error(held_out.label, model.predict(held_out.features)))
    assert trial.value == pytest.approx(np.mean(folds))
    assert trial.standard_error == pytest.approx(np.std(folds, ddof=1) / 2)


def test_the_holdout_is_refused_and_two_folds_are_required():
    rows = rows_of(TASKS["hit"])
    alone, _ = rows_of(TASKS["hit"]).split(HOLDOUT)
    for _ in range(3):
        alone, _ = alone.split(alone.fold.max())
    for given in (rows, alone):
        with pytest.raises(
            TrainingError, match="needs two besides fold 0: set `folds` in dbt_proj"
        ):
            list(search.search(TASKS["hit"], "xgboost", given, [FEW], Limits()))


def test_given_settings_come_first_and_the_last_ones_complete_the_space():
    other = {"n_estimators": 60, "max_delta_step": 1}
    found = searched(TASKS["hit"], "xgboost", [FEW, other], trials=4)
    assert [trial.settings for trial in found[:2]] == [FEW, other]
    assert all(trial.settings["max_delta_step"] == 1 for trial in found[2:])
    assert all(set(SPACES["xgboost"]) < set(trial.settings) for trial in found[2:])


def test_a_trial_worse_than_the_median_is_pruned(monkeypatch):
    numbers = iter(np.repeat([0.9, 0.8, 0.8, 0.8, 0.1], 4))
    monkeypatch.setattr(search, "_score", lambda *_: next(numbers))
    found = searched(TASKS["hit"], "xgboost", [FEW], trials=5)
    assert [trial.state for trial in found] == ["complete"] * 4 + ["pruned"]
    assert (len(found[-1].folds), found[-1].value) == (1, None)


def test_an_untrainable_trial_is_skipped_unless_it_has_the_present_settings(monkeypatch):
    score = search._score

    def refuse(task, algorithm, settings, *rows):
        if settings != FEW:
            raise ValueError("diverged")
        return score(task, algorithm, settings, *rows)

    monkeypatch.setattr(search, "_score", refuse)
    found = searched(TASKS["hit"], "xgboost", [FEW], trials=3)
    assert [trial.state for trial in found] == ["complete", "failed", "failed"]
    assert found[2].reason == "diverged"
    with pytest.raises(TrainingError, match="xgboost cannot be trained with its present settings"):
        searched(TASKS["hit"], "xgboost", [{"max_depth": 3}], trials=3)


def test_the_best_is_never_worse_than_the_present_settings():
    for present in (FEW, {"n_estimators": 50, "learning_rate": 1e-5}):
        trials = searched(TASKS["hit"], "xgboost", [present], trials=4)
        found = outcome(trials)
        assert found.best.value >= found.present.value
        assert found.best.value == max(trial.value for trial in trials if trial.value)
        assert found.present.settings == present
    assert found.is_better


def test_the_outcome_equals_that_of_a_build_with_the_same_settings():
    found = outcome(searched(TASKS["hit"], "xgboost", [FEW], trials=2))
    config = {"xgboost": found.best.settings}
    (candidate,) = training.train(TASKS["hit"], rows_of(TASKS["hit"]), config)
    (auc,) = (score for score in candidate.scores if score.metric == "roc_auc")
    assert found.best_final.holdout == pytest.approx(auc.holdout, rel=1e-6)
    assert found.best_final.onnx_bytes == len(candidate.onnx)


def test_a_model_that_a_build_would_refuse_is_not_the_best(monkeypatch):
    trials = searched(
        TASKS["hit"], "xgboost", [{"n_estimators": 50, "learning_rate": 1e-5}], trials=4
    )
    first, second = search.best(TASKS["hit"], trials)[:2]
    check = export.check_parity

    def refuse(content, estimator, features):
        if estimator.learning_rate == first.settings["learning_rate"]:
            raise export.ExportError("too different")
        return check(content, estimator, features)

    monkeypatch.setattr(export, "check_parity", refuse)
    assert outcome(trials).best == second
    assert (trials[first.number].state, trials[first.number].value) == ("refused", None)


def test_every_space_belongs_to_an_algorithm():
    assert set(SPACES) <= {name for known in ALGORITHMS.values() for name in known}
    assert {task for task, _ in SEARCHED} == set(TASKS)


def test_a_task_narrows_the_space_of_its_algorithms():
    assert space_of(TASKS["tier"], "xgboost")["n_estimators"].high == 75
    assert space_of(TASKS["hit"], "xgboost")["n_estimators"].high == 300


@pytest.mark.parametrize(("task", "algorithm"), SEARCHED)
def test_a_space_names_hyperparameters_and_keeps_models_small(task, algorithm):
    space = space_of(TASKS[task], algorithm)
    training.check(TASKS[task], {algorithm: dict(space)})
    per_round = len(TASKS[task].outputs) if (task, algorithm) == ("tier", "xgboost") else 1
    if "n_estimators" in space:
        assert space["n_estimators"].high * per_round <= 300
        assert space["max_depth"].high <= 10
    if "hidden" in space:
        assert max(width for choice in space["hidden"].choices for width in choice) <= 64


@pytest.mark.parametrize(("task", "algorithm"), SEARCHED)
def test_settings_from_a_space_can_be_trained(task, algorithm):
    trials = searched(TASKS[task], algorithm, [{}], trials=2)
    assert [trial.state for trial in trials] == ["complete", "complete"]
    settings = json.loads(json.dumps(trials[1].settings))
    assert settings == trials[1].settings
    (candidate,) = training.train(TASKS[task], rows_of(TASKS[task]), {algorithm: settings})
    assert candidate.algorithm == algorithm


def reported(*given, trials=4):
    """The outcome of a search, and its report if the last given settings are in the YAML."""
    found = searched(TASKS["hit"], "xgboost", given, trials=trials)
    written = {"logistic_regression": {}, "xgboost": given[-1]}
    best = outcome(found)
    tried, outcomes = {"xgboost": found}, {"xgboost": best}
    return best, tune._text(TASKS["hit"], "run", Limits(trials), tried, outcomes, written)


def test_the_yaml_block_can_be_pasted_unchanged():
    best, text = reported({"n_estimators": 50, "learning_rate": 1e-5})
    before = (ROOT / "tasks" / "hit.yml").read_text()
    block = r"^algorithms:\n(?: {2}[^\n]*\n)+"
    pasted, count = re.subn(block, lambda match: f"{text}\n", before, count=1, flags=re.M)
    assert count == 1
    assert best.is_better
    algorithms = yaml.safe_load(pasted)["algorithms"]
    assert algorithms == {"logistic_regression": {}, "xgboost": best.best.settings}
    training.train(TASKS["hit"], rows_of(TASKS["hit"]), algorithms)


def test_the_header_states_the_result_and_the_next_step():
    best, text = reported({"n_estimators": 50, "learning_rate": 1e-5})
    for words in (
        "# At most 4 trials and 600 seconds, seed 0.",
        "# roc_auc (higher is better), mean ± standard error over the folds searched",
        f"# xgboost: 4 complete; trial {best.best.number} gains 0.",
        f"present  {best.present.value:.4f} ± {best.present.standard_error:.4f}",
        f"best     {best.best.value:.4f} ± {best.best.standard_error:.4f}",
        f", {best.best_final.holdout:.4f} on fold 0",
        "# Next: replace `algorithms` in tasks/hit.yml with this, then `hitparade generate`",
    ):
        assert words in text


def test_without_an_improvement_there_is_nothing_to_paste():
    _, text = reported(FEW, trials=1)
    assert "# xgboost: 1 complete; nothing better than the present settings" in text
    assert "# Nothing to change: tasks/hit.yml has these settings already." in text
    assert "paste" not in text
