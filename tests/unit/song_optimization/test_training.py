"""Teacher, student and held-out evaluator."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from models_py import export
from models_py.bootstrap import Estimate
from models_py.examples import TrainingError
from models_py.song_optimization import search, training
from models_py.song_optimization.data import read
from models_py.song_optimization.protocol import BOUNDS, PARTS
from models_py.tasks import TASKS
from tests.unit.song_optimization.conftest import CONFIG, HIGH, LOW

WIDTH = len(BOUNDS)


@pytest.fixture(scope="module")
def candidates(data, models):
    return {candidate.algorithm: candidate for candidate in training.candidates(data, models)}


def test_every_model_is_a_candidate_and_one_can_be_champion(candidates):
    assert tuple(candidates) == training.ALGORITHMS
    for name, candidate in candidates.items():
        metrics = [score.metric for score in candidate.scores]
        assert (training.METRIC in metrics) == (name == "gradient")
        assert candidate.parity <= export.TOLERANCE
        assert (candidate.train_rows, candidate.holdout_rows) == (400, 400)


def test_models_of_popularity_beat_the_mean_on_other_artists(candidates):
    for name in ("teacher", "student", "judge"):
        for score in candidates[name].scores:
            assert score.holdout < score.baseline_holdout - 2 * score.gain_sd
            assert score.sd > 0


def test_the_held_out_evaluator_confirms_the_gains_of_the_graph(candidates, data, models):
    scores = {score.metric: score for score in candidates["gradient"].scores}
    for suffix in ("", "_all"):
        judged = scores[f"judged_gain{suffix}"]
        claimed = scores[f"claimed_gain{suffix}"].holdout
        assert judged.holdout > judged.baseline_holdout + 2 * judged.gain_sd
        assert scores[f"judged_share{suffix}"].holdout == pytest.approx(judged.holdout / claimed)
        assert scores[f"confirmed_songs{suffix}"].holdout > 0.7
    assert scores["judged_gain_all"].holdout > scores["judged_gain"].holdout
    again = training.rescore(candidates["gradient"].onnx, data, models)
    assert again == pytest.approx(scores[training.METRIC].holdout)


def test_student_and_held_out_evaluator_see_different_songs(data, models):
    own, other = data.parts["student"], data.parts["judge"]

    def error(model, songs):
        return np.abs(model.predict(songs.features) - songs.popularity).mean()

    assert error(models.teacher, own) < error(models.teacher, other)
    assert error(models.judge, other) < error(models.judge, own)


def test_the_merged_net_answers_the_mean_of_the_student(data, models):
    songs = data.parts["test"].features
    answers = models.student.as_net().predict(songs)
    assert answers == pytest.approx(models.student.predict(songs), rel=1e-9)
    nets = [net.predict(songs) for net in models.student.nets_]
    assert np.std(nets, axis=0).min() > 0


def test_the_teacher_labels_songs_within_the_bounds(data, models):
    asked = []

    class Teacher:
        def predict(self, features):
            asked.append(features)
            return models.teacher.predict(features)

    songs = data.parts["student"]
    student = training.Student(members=1, epochs=1, copies=3)
    student.fit(songs.features, songs.popularity, Teacher(), [*BOUNDS.values()])
    real, *copies = asked
    changed = np.concatenate(copies)
    assert (real == songs.features).all()
    assert len(changed) == 3 * len(real)
    free = songs.features[:, :WIDTH]
    assert (changed[:, :WIDTH] >= np.tile(np.minimum(LOW, free), (3, 1))).all()
    assert (changed[:, :WIDTH] <= np.tile(np.maximum(HIGH, free), (3, 1))).all()
    assert (changed[:, WIDTH:] == np.tile(songs.features[:, WIDTH:], (3, 1))).all()
    kept = (changed[:, :WIDTH] == np.tile(free, (3, 1))).mean()
    assert kept == pytest.approx(0.9 * 0.5, abs=0.05)


@pytest.mark.parametrize(("drawn", "baseline"), [(-2.0, 0.0), (3.0, 3.0)])
def test_advice_must_beat_unchanged_songs(drawn, baseline):
    estimate = Estimate.mean(np.full(10, drawn), np.arange(10))
    found = training.best_baseline({training.METRIC: estimate, "claimed_gain": estimate})
    assert found[training.METRIC].value == baseline
    assert found["claimed_gain"].value == drawn


def test_without_a_claimed_gain_there_is_no_confirmed_share(data):
    """Models of identical rows claim no gain."""
    flat = SimpleNamespace(predict=lambda features: np.zeros(len(features)))
    songs = data.parts["test"]
    found = training.gains(SimpleNamespace(student=flat, judge=flat), songs, songs.features)
    assert {name: estimate.value for name, estimate in found.items()} == dict.fromkeys(found, 0)
    assert {estimate.error() for estimate in found.values()} == {0}


@pytest.mark.parametrize("most", [1, 3, WIDTH])
def test_searches_keep_the_limits(data, models, most):
    songs = data.parts["test"].features[:60]
    low, high = search.limits(songs)
    found = {"chance": search.by_chance(models.student.predict, songs, most, evaluations=30)}
    if most == WIDTH:
        found["coordinate"] = search.by_coordinate(models.teacher.predict, songs, values=5)
    for name, optimized in found.items():
        model = models.teacher if name == "coordinate" else models.student
        assert (model.predict(optimized) >= model.predict(songs)).all()
        assert (optimized[:, :WIDTH] >= low - 1e-9).all()
        assert (optimized[:, :WIDTH] <= high + 1e-9).all()
        assert ((optimized != songs).sum(axis=1) <= most).all()
        assert (optimized != songs).any(axis=1).mean() > 0.9
        assert (optimized[:, WIDTH:] == songs[:, WIDTH:]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boost": {}}, "needs exactly teacher, student, judge, gradient"),
        ({"student": {"member": 2}}, "student has no hyperparameter member: it has anywhere,"),
        ({"judge": {"trees": 2}}, "judge has no hyperparameter trees"),
        ({"gradient": {"steps": 2}}, "gradient has no hyperparameter steps: it has none"),
    ],
)
def test_unknown_settings_are_refused(change, message):
    with pytest.raises(TrainingError, match=message):
        training.check(CONFIG | change)
    with pytest.raises(TrainingError, match="needs exactly teacher"):
        training.check({})


def table(rows: int, genres: int) -> pa.Table:
    rng = np.random.default_rng(0)
    columns = {
        "track_id": [f"t{number:04}" for number in rng.permutation(rows)],
        "artist": [f"a{number % 50}" for number in range(rows)],
        "part": [PARTS[number % 3] for number in range(rows)],
        **{name: rng.random(rows) for name in TASKS["popularity"].inputs[:-1]},
        "genres": [list(rng.random(genres)) for _ in range(rows)],
        "popularity": rng.random(rows),
    }
    return pa.table(columns)


def test_rows_are_read_in_key_order():
    rows = table(300, 2)
    data = read(rows, ["pop", "rock"])
    assert data.names[-3:] == ("is_single", "genres=pop", "genres=rock")
    assert {part: len(songs) for part, songs in data.parts.items()} == dict.fromkeys(PARTS, 100)
    shuffled = read(rows.take(np.random.default_rng(1).permutation(300)), ["pop", "rock"])
    for part, songs in data.parts.items():
        assert (songs.features == shuffled.parts[part].features).all()
        assert len(np.unique(songs.artists)) <= 50


@pytest.mark.parametrize(("rows", "part", "needed"), [(90, "student", 50), (30, "student", 50)])
def test_too_few_songs_are_refused(rows, part, needed):
    with pytest.raises(TrainingError, match=f"songs in part {part} and needs {needed}: add songs"):
        read(table(rows, 2), ["pop", "rock"])
