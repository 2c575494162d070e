"""Work that grows with a request, and work that ends with its client, without a database."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from hitparade.serve.audit import Entry
from hitparade.serve.http.answers import Body, GoneError, Streamed, while_here
from hitparade.serve.http.bodies import LARGE, Given, parse
from hitparade.serve.http.functions import Argument, Function
from hitparade.serve.http.inputs import MOST, columns
from hitparade.serve.http.kinds import DEEPEST, Anything, Number, described
from hitparade.serve.http.predict import Call
from hitparade.serve.http.problems import Problem
from hitparade.serve.pool import Chunk

INPUTS = ("danceability", "energy", "valence", "tempo")
SOON = 1.0  # seconds; each case took many more, or the quadratic search did


async def gone():
    return {"type": "http.disconnect"}


class Rows:
    """An answer without end, as the pool gives it."""

    def __init__(self, seconds):
        self.first = Chunk(1, True, b"[0]")
        self.seconds = seconds
        self.is_reading, self.closed, self.fetched = False, 0, 0

    async def fetch(self, count):
        self.is_reading = True
        self.fetched += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            try:
                await asyncio.sleep(0)  # what a cancelled fetch still has to do
            finally:
                self.is_reading = False
        return Chunk(1, True, b"[1]")

    async def close(self):
        assert not self.is_reading
        self.closed += 1


def streamed(rows):
    async def send(message):
        await asyncio.sleep(0)

    async def run():
        answer = Streamed(
            rows, Entry("a", "http", "", ""), Body("a/b", lambda chunk: chunk.body), ExitStack()
        )
        async with asyncio.timeout(5):
            await answer({}, gone, send)

    asyncio.run(run())


def test_an_answer_is_closed_after_its_cancelled_fetch_has_ended():
    rows = Rows(seconds=60)
    streamed(rows)
    assert rows.closed == 1


def test_a_client_that_goes_ends_rows_that_come_quickly():
    rows = Rows(seconds=0)
    streamed(rows)
    assert rows.closed == 1
    assert rows.fetched < 10


def test_a_statement_that_begins_is_cancelled_to_its_end():
    ended = []

    async def begin():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(True)

    async def run():
        with pytest.raises(GoneError):
            await while_here(gone, begin())
        assert ended

    asyncio.run(run())


def function(**kinds):
    arguments = {name: Argument(name, kind, "", True) for name, kind in kinds.items()}
    return Function("f", arguments, "", None, "", False, None, None, {})


@pytest.mark.parametrize("rows", [1, 50_000])
def test_a_request_with_many_errors_is_refused_after_the_first(rows):
    wrong = {f"unknown_{place}": 1 for place in range(20_000 // rows + 1)}
    began = time.perf_counter()
    with pytest.raises(Problem, match=f"at least {MOST - 1} more") as error:
        columns(function(**dict.fromkeys(INPUTS, Number())), [wrong] * rows, rows == 1)
    assert time.perf_counter() - began < 0.2
    assert len(error.value.members["errors"]) == MOST


def test_few_errors_are_counted():
    with pytest.raises(Problem, match=r"\(3 more\)"):
        columns(function(**dict.fromkeys(INPUTS, Number())), [{}], True)


def test_work_of_a_large_body_is_done_beside_the_event_loop():
    async def run(size):
        thread = await Given(None, size).use(lambda: asyncio.events._get_running_loop())
        return thread is not None

    assert asyncio.run(run(LARGE - 1))
    assert not asyncio.run(run(LARGE))


@pytest.mark.parametrize(
    ("values", "place", "said"),
    [
        ([0.5] * 100_000 + ["a"], 100_000, "several types"),
        ([{"a": 1}, {"a": None, "b": [1]}] * 20_000 + [{"b": ["x"]}], 40_000, "several types"),
        ([{f"a{place}": 1} for place in range(30_000)], 1000, "more than 1000 names"),
        ([{"a": 1}, {}, {"A": 1}], 1, "without names"),
        ([{"a": 1}, {"b": 1}, {"A": 1}], 2, "differ by case"),
        ([[1], None, [[1]]], 2, "several types"),
        (["a", "\ud800"], 1, "surrogate"),
        ([1, 1e16], 1, "beyond 1e15"),
    ],
)
def test_the_first_value_that_disagrees_is_named_in_time(values, place, said):
    began = time.perf_counter()
    ((found, problem),) = Anything().problems(values)
    assert time.perf_counter() - began < SOON
    assert found == place
    assert said in problem


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_deep_values_are_refused(start, end):
    for depth, count in ((DEEPEST - 1, 0), (DEEPEST, 1), (300, 1)):
        value = parse((start * depth + "1" + end * depth).encode())
        assert len([*Anything().problems([value])]) == count, depth


def test_objects_with_different_names_have_one_structure():
    assert Anything().structure([{"a": 1}, None, {"b": ["x"]}]) == {"a": "DOUBLE", "b": ["VARCHAR"]}


def test_a_name_that_is_twice_in_a_large_object_is_found_in_time():
    names = [f"a{place}" for place in range(40_000)] + ["b", "b"]
    text = "{" + ", ".join(f'"{name}": 1' for name in names) + "}"
    began = time.perf_counter()
    with pytest.raises(Problem, match='"b" twice'):
        parse(text.encode())
    assert time.perf_counter() - began < SOON


def test_a_long_text_is_described_by_its_beginning():
    assert described("x" * 10_000_000) == 'the text "' + "x" * 39 + "..."


def test_models_that_are_unknown_get_no_number_of_their_own():
    chosen = function(model_id=Anything())
    rows = [{"model_id": name} for name in ("known", "known", "other", "another", None)]
    call = Call(chosen, None, rows, False, {})
    assert call.models({"known"}) == {"known": 2, "": 3}
