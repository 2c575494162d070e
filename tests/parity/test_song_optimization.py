"""The served optimizer against one with torch's gradients, on every song of the sample."""

import duckdb
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import udfs
from models_py.net import Net
from models_py.song_optimization.protocol import BOUNDS, MAX_CHANGE, MOST, PENALTY, STEPS
from models_py.song_optimization.student import Student
from tests.unit.song_optimization import climb

LOW, HIGH = np.array([*BOUNDS.values()]).T
NAMES = list(BOUNDS)


@pytest.fixture(scope="module")
def served(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        yield connection


@pytest.fixture(scope="module")
def parameters(served) -> dict[str, np.ndarray]:
    """The learned parameters of the champion's graph."""
    ((content,),) = served.execute(
        "select onnx from ml.model_artifacts where model_id = "
        "(select model_id from ml.champions where task = 'song_optimization')"
    ).fetchall()
    initializers = onnx.load_from_string(content).graph.initializer
    return {value.name: numpy_helper.to_array(value).astype(float) for value in initializers}


@pytest.fixture(scope="module")
def student(parameters) -> Student:
    first = np.concatenate([parameters["weights_1"], parameters["fixed_weights"]], axis=1)
    layers = [
        (first, parameters["intercepts_1"]),
        (parameters["weights_2"], parameters["intercepts_2"]),
        (parameters["weights_3"], parameters["intercepts_3"]),
    ]
    found = Student()
    found.nets_ = [Net() for _ in range(len(first))]
    for member, net in enumerate(found.nets_):
        net.layers_ = [(weights[member].T, shift[member, 0]) for weights, shift in layers]
    return found


@pytest.mark.parametrize("most", [MOST, len(NAMES)])
def test_every_song_is_optimized_as_by_autograd(served, parameters, student, most):
    rows = served.sql(
        "select encode_popularity(t) as song, "
        f"optimize_song(t, max_features := {most}) as advice from dim_tracks as t "
        "where optimize_song(t) is not null order by track_id"
    ).to_arrow_table()
    songs = np.array(rows["song"].to_pylist()).astype(np.float32).astype(float)
    advice = rows["advice"].to_pylist()
    optimized = np.array([[row["after"][name] for name in NAMES] for row in advice])
    end, before, after, _ = climb.optimize(
        student,
        songs,
        (LOW, HIGH),
        MAX_CHANGE * (HIGH - LOW),
        most,
        PENALTY,
        STEPS,
        parameters["deviations"],
    )
    ((tracks,),) = served.sql("select count(*) from dim_tracks").fetchall()
    assert len(songs) > 0.95 * tracks > 1_000
    assert [row["popularity_before"] for row in advice] == pytest.approx(before, abs=1e-3)
    off = np.abs(np.array([row["popularity_after"] for row in advice]) - after)
    moved = np.abs(optimized - end) / (HIGH - LOW)
    # Float32 rounding sometimes lands on the other side of a ReLU and then takes another path.
    assert (off <= 0.1).mean() > 0.995
    assert (moved <= 0.01).all(axis=1).mean() > 0.99
    assert off.max() < 2
