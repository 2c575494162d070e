"""Sessions: one for each model, loaded once, within a memory limit."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.hand_models import linear
from udfs.errors import ModelError
from udfs.runtime.sessions import Sessions, Stored

LINES = {name: linear([float(place)], 0.0) for place, name in enumerate("abcd", start=1)}
# All have the same number of inputs, so the same number of bytes.
SIZE = len(LINES["a"])


def stored(content: bytes) -> Stored:
    return Stored(content, hashlib.sha256(content).hexdigest())


class Registry:
    """Count the models that are read."""

    def __init__(self):
        self.reads = []

    def __call__(self, model_id):
        self.reads.append(model_id)
        return [stored(LINES[model_id])] if model_id in LINES else []


@pytest.fixture
def registry():
    return Registry()


def answer(model) -> float:
    return float(model.run(["scores"], {"features": np.ones((1, 1), np.float32)})[0][0, 0])


def test_a_model_is_loaded_once_for_any_number_of_threads():
    reads, start = [], threading.Barrier(8)
    others_wait = threading.Event()

    def fetch(model_id):
        reads.append(model_id)
        others_wait.wait(0.2)  # long enough for all others to arrive
        return [stored(LINES[model_id])]

    sessions = Sessions(fetch)

    def ask(_):
        start.wait()
        return sessions.get("b")

    with ThreadPoolExecutor(8) as pool:
        models = set(pool.map(ask, range(8)))
    assert len(models) == 1 and reads == ["b"]
    assert answer(models.pop()) == 2


def test_a_slow_load_does_not_block_other_models():
    arrived, go_on = threading.Event(), threading.Event()

    def fetch(model_id):
        if model_id == "a":
            arrived.set()
            assert go_on.wait(60)
        return [stored(LINES[model_id])]

    sessions = Sessions(fetch)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(sessions.get, "a")
        assert arrived.wait(60)
        assert answer(sessions.get("b")) == 2  # loaded meanwhile
        assert answer(sessions.get("b")) == 2  # used meanwhile
        assert not slow.done()
        go_on.set()
        assert answer(slow.result(60)) == 1


def test_the_least_recently_used_model_is_evicted_first(registry):
    sessions = Sessions(registry, size=2 * SIZE)
    for model_id in "abac":
        sessions.get(model_id)
    assert [name for name in "abc" if name in sessions] == ["a", "c"]
    sessions.get("b")
    assert [name for name in "abc" if name in sessions] == ["b", "c"]
    assert registry.reads == ["a", "b", "c", "b"]


def test_an_evicted_model_still_works_for_its_holders(registry):
    sessions = Sessions(registry, size=SIZE)
    held = sessions.get("c")
    sessions.get("d")
    assert "c" not in sessions
    assert answer(held) == 3


def test_a_model_larger_than_the_limit_is_kept_while_it_is_the_newest(registry):
    sessions = Sessions(registry, size=SIZE - 1)
    assert [answer(sessions.get("a")) for _ in range(3)] == [1, 1, 1]
    assert registry.reads == ["a"]
    sessions.get("b")
    assert "a" not in sessions and "b" in sessions


def test_a_smaller_limit_takes_effect_immediately(registry):
    sessions = Sessions(registry)
    for model_id in "abcd":
        sessions.get(model_id)
    sessions.resize(2 * SIZE)
    assert [name for name in "abcd" if name in sessions] == ["c", "d"]


def test_prefetched_bytes_are_not_read_again(registry):
    sessions = Sessions(registry)
    sessions.put("a", stored(LINES["a"]))
    assert answer(sessions.get("a")) == 1
    assert registry.reads == []


def test_prefetched_bytes_evict_nothing(registry):
    sessions = Sessions(registry, size=SIZE)
    sessions.get("a")
    sessions.put("b", stored(LINES["b"]))
    assert "a" in sessions and "b" not in sessions


def test_corrupted_bytes_are_skipped_if_another_registry_has_valid_ones():
    broken = Stored(LINES["a"] + b"x", stored(LINES["a"]).sha256)
    sessions = Sessions(lambda model_id: [broken, stored(LINES["a"])])
    sessions.put("a", broken)
    assert "a" not in sessions
    assert answer(sessions.get("a")) == 1
    with pytest.raises(ModelError, match="bytes of model a are corrupted"):
        Sessions(lambda model_id: [broken]).get("a")


def test_a_missing_model_is_found_once_it_is_added():
    known = []
    sessions = Sessions(lambda model_id: known)
    with pytest.raises(ModelError, match="no model a is in the registry"):
        sessions.get("a")
    known.append(stored(LINES["a"]))
    assert answer(sessions.get("a")) == 1
