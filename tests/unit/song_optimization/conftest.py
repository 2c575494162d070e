"""Small data: songs whose popularity rises with some features and falls with others."""

import numpy as np
import pytest

from models_py.song_optimization import graph, training
from models_py.song_optimization.data import Data, Songs
from models_py.song_optimization.protocol import BOUNDS, PARTS

FIXED = 4
LOW, HIGH = np.array([*BOUNDS.values()]).T
CONFIG = {
    "teacher": {"n_estimators": 60, "max_depth": 4},
    "student": {"epochs": 4, "copies": 4},
    "judge": {"n_estimators": 60, "max_depth": 4},
    "gradient": {},
}


def songs(count: int, seed: int) -> Songs:
    rng = np.random.default_rng(seed)
    shares = rng.beta(2, 2, (count, len(LOW)))
    free = LOW + shares * (HIGH - LOW)
    # Published values may exceed the bounds.
    free[:5, list(BOUNDS).index("loudness")] = 1.5
    free[5:10, list(BOUNDS).index("tempo")] = 240
    fixed = rng.integers(0, 2, (count, FIXED))
    popularity = 40 + 25 * shares[:, 0] + 20 * np.sin(4 * shares[:, 1]) - 15 * shares[:, 4] ** 2
    popularity += 10 * fixed[:, 0] + rng.normal(0, 5, count)
    features = np.hstack([free, fixed]).astype(np.float32).astype(np.float64)
    return Songs(features, popularity, np.arange(count) // 3)


@pytest.fixture(scope="session")
def data() -> Data:
    names = (*BOUNDS, *(f"fixed_{place}" for place in range(FIXED)))
    return Data(names, {part: songs(400, seed) for seed, part in enumerate(PARTS)})


@pytest.fixture(scope="session")
def models(data) -> training.Models:
    return training.fit(data, CONFIG)


@pytest.fixture(scope="session")
def kept(data) -> np.ndarray:
    return data.parts["student"].features[:50, : len(BOUNDS)]


@pytest.fixture(scope="session")
def deviations(data) -> np.ndarray:
    return data.parts["student"].features[:, : len(BOUNDS)].std(axis=0)


@pytest.fixture(scope="session")
def content(models, deviations, kept) -> bytes:
    return graph.to_onnx(models.student, deviations, kept)
