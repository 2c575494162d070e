"""Bad arguments of every typed function, on both backends: NULL with a reason, or a clear error.

HITPARADE_BAD_INPUTS=10000 tries that many rows.
"""

import datetime
import math
import re
from collections import Counter

import duckdb
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest

import udfs
from models_py.tasks import TASKS
from tests.faults.outcomes import generated, show, size
from udfs.snowflake.helpers import spelled

pytestmark = pytest.mark.slow

ROWS = size("HITPARADE_BAD_INPUTS", 1000)
CHARTS_AS_OF = datetime.date(2023, 7, 15)

# A valid song and a valid track.
SONG = {
    "bpm": 120.0,
    "danceability_pct": 50.0,
    "valence_pct": 50.0,
    "energy_pct": 50.0,
    "acousticness_pct": 10.0,
    "instrumentalness_pct": 0.0,
    "liveness_pct": 10.0,
    "speechiness_pct": 5.0,
}
RELEASED_SONG = SONG | {"mode": "Minor", "artist_count": 2.0, "released_on": "2022-12-06"}
TRACK = {"danceability": 0.5, "energy": 0.6, "valence": 0.7, "tempo": 120.0}
SOUND = TRACK | {
    "loudness": -7.0,
    "speechiness": 0.05,
    "acousticness": 0.1,
    "instrumentalness": 0.0,
    "liveness": 0.1,
    "duration_ms": 200_000.0,
    "explicit": 0.0,
    "is_single": 1.0,
    "genres": ["pop"],
}
GOOD = {
    "log_streams": SONG,
    "log_streams_context": RELEASED_SONG,
    "hit": TRACK,
    "tier": SOUND,
    "popularity": SOUND | {"key": 5.0, "mode": 1.0, "time_signature": 4.0},
}
# In addition to predict_<task> and predict_<task>_by.
MORE = {"log_streams": ["predict_streams"], "tier": ["predict_tier_proba"]}
MISSING_AS_0 = {"tempo", "time_signature"}

LARGEST = 1e15
FLOAT32 = float(np.finfo(np.float32).max)
EDGES = [0.0, -0.0, 1e308, -1e308, 5e-324, 1e-40, FLOAT32, -FLOAT32, FLOAT32 * 1.0000001, 1e39]
EDGES += [
    LARGEST,
    -LARGEST,
    LARGEST * 1.0001,
    LARGEST * (1 + 1e-8),
    2.0**63,
    2.0**127,
    -1.0,
    1e9,
    math.nan,
    math.inf,
    -math.inf,
]
NUMBERS = st.none() | st.sampled_from(EDGES) | st.floats() | st.floats(0, 1)
FLAGS = st.sampled_from([None, 0.0, 1.0, 2.0, -1.0, 0.5, math.nan, math.inf, -math.inf])
MODES = st.none() | st.text(max_size=8) | st.sampled_from(["Major", "minor", "MAJOR", "", "0"])
DATES = st.dates().map(str) | st.sampled_from(
    [None, "infinity", "-infinity", "0001-01-01", "5881580-07-10", "5877642-06-25 (BC)"]
)
GENRES = st.none() | st.lists(
    st.none() | st.text(max_size=8) | st.sampled_from(["pop", "rock", "Pop", "pop ", "sleep"]),
    max_size=4,
)
FLAG_NAMES = {"explicit", "is_single"}

outcomes = Counter()


def arguments(task: str, name: str) -> st.SearchStrategy:
    """Good and bad values of one argument."""
    if name in FLAG_NAMES:
        return FLAGS
    texts = {"released_on": DATES, "genres": GENRES}
    if task == "log_streams_context":
        texts["mode"] = MODES
    return texts.get(name, NUMBERS)


def rows(task: str) -> st.SearchStrategy[dict]:
    """Rows with one to three changed values."""
    changes = st.lists(st.sampled_from(list(GOOD[task])), min_size=1, max_size=3, unique=True)
    return changes.flatmap(
        lambda names: st.fixed_dictionaries({name: arguments(task, name) for name in names})
    ).map(lambda changed: GOOD[task] | changed)


# The expected answer to a row, written from the documentation


def encoded(row: dict) -> dict[str, float | None]:
    """The value that a model gets for each argument that is not a list: None if it is missing."""
    values = {name: value for name, value in row.items() if name not in ("genres", "released_on")}
    if isinstance(row.get("mode", 0.0), str | None):
        values["mode"] = {"major": 1.0, "minor": 0.0}.get((row["mode"] or "").lower())
    for name in MISSING_AS_0 & set(row):
        values[name] = row[name] or None
    if "released_on" in row:
        values |= released(row["released_on"])
    return values


def released(text: str | None) -> dict[str, float | None]:
    """The model inputs for a release date; an implausible date has at least an odd year."""
    if text is None or "infinity" in text:
        return {"released_year": None}
    try:
        date = datetime.date.fromisoformat(text)
    except ValueError:
        return {"released_year": 1e6}
    age = math.log(1 + max(0, (CHARTS_AS_OF - date).days))
    return {"released_year": date.year, "released_month": date.month, "log_age_days": age}


def expected(row: dict, seen: dict[str, tuple]) -> str:
    """Return whether a row is bad, odd or plain; `seen` has the training range of each input."""
    with np.errstate(over="ignore"):
        values = {name: None if v is None else np.float32(v) for name, v in encoded(row).items()}
    genres = row.get("genres", [])
    if genres is None or not all(v is not None and abs(v) <= LARGEST for v in values.values()):
        return "bad"
    is_outside = any(not seen[name][0] <= value <= seen[name][1] for name, value in values.items())
    is_unusual = any(seen.get(f"genres={spelled(genre, {})}", (0, 0))[1] < 1 for genre in genres)
    return "odd" if is_outside or is_unusual else "plain"


# The answers of the functions


@pytest.fixture(scope="module")
def cases(small_warehouse) -> dict[str, list[dict]]:
    return {task: generated(rows(task), ROWS // len(TASKS)) for task in TASKS}


def ranges(connection, task: str) -> dict[str, tuple]:
    found = connection.execute(
        "select unnest(inputs) as input from ml.model_versions inner join ml.champions "
        "using (task, model_id) where task = ?",
        [task],
    ).fetchall()
    return {input["name"]: (input["minimum"], input["maximum"]) for (input,) in found}


def predictions(connection, task: str) -> list[str]:
    """An expression for each predicting function."""
    algorithms = [f"predict_{task}_by('{name}', t)" for name in TASKS[task].algorithms]
    return [f"{name}(t)" for name in (f"predict_{task}", *MORE.get(task, ()))] + algorithms


def answers(connection, task: str, rows: list[dict]) -> list[tuple]:
    """The answers of all functions of a task to each row, the check last."""
    types = {str: pa.string(), float: pa.float64(), list: pa.list_(pa.string())}
    columns = {
        name: pa.array([row[name] for row in rows], types[type(value)])
        for name, value in GOOD[task].items()
    }
    connection.register("given", pa.table(columns))
    dates = (
        " replace (cast(released_on as date) as released_on)" if "released_on" in columns else ""
    )
    functions = ", ".join([*predictions(connection, task), f"check_{task}(t)"])
    query = f"select {functions} from (select *{dates} from given) t"
    return connection.execute(query).fetchall()


def is_number(answer) -> bool:
    """True for a finite number or a tier."""
    numbers = answer.values() if isinstance(answer, dict) else [answer]
    return all(isinstance(n, str) or (n is not None and math.isfinite(n)) for n in numbers)


def outcome(kind: str, row: dict, predicted: list, problems: list[str]) -> str:
    """Return the outcome of a row; assert that it is the expected one of its kind."""
    if kind == "bad":
        assert problems and all(answer is None for answer in predicted), (row, predicted, problems)
        return "NULL with a reason"
    assert all(map(is_number, predicted)), (row, predicted)
    assert bool(problems) == (kind == "odd"), (row, problems)
    return "a number with a reason" if problems else "a number, nothing is wrong"


@pytest.fixture(scope="module", params=["sql_backend", "onnx_runtime"])
def backend(request, small_warehouse):
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        if request.param == "onnx_runtime":
            udfs.register(connection)
        yield connection


@pytest.mark.parametrize("task", TASKS)
def test_a_bad_row_gives_null_with_a_reason(backend, cases, task):
    seen = ranges(backend, task)
    for row, (*predicted, problems) in zip(
        cases[task], answers(backend, task, cases[task]), strict=True
    ):
        outcomes[outcome(expected(row, seen), row, predicted, problems)] += 1


@pytest.mark.parametrize("task", TASKS)
def test_both_backends_give_equal_answers_to_a_bad_row(small_warehouse, cases, task):
    with duckdb.connect(small_warehouse.database, read_only=True) as connection:
        sql_backend = answers(connection, task, cases[task])
        udfs.register(connection)
        onnx_runtime = answers(connection, task, cases[task])
    for row, one, other in zip(cases[task], sql_backend, onnx_runtime, strict=True):
        assert one[-1] == other[-1]
        for first, second in zip(one[:-1], other[:-1], strict=True):
            # A tier is a string, and a struct of probabilities is a dictionary.
            is_number = isinstance(second, float | dict)
            assert first == (pytest.approx(second, rel=1e-4) if is_number else second), row


def test_all_rows_were_tried_on_both_backends(cases):
    show("Rows on both backends", outcomes)
    assert outcomes.total() == 2 * sum(map(len, cases.values())) >= 1.9 * ROWS
    assert len(outcomes) == 3 and min(outcomes.values()) > ROWS / 50


# Calls with an argument of the wrong type

WORDS = st.text(max_size=12).map(lambda text: "'" + text.replace("'", "''") + "'")
LITERALS = WORDS | st.sampled_from(
    [
        *("[1, 2]", "[null]", "{'a': 1}", "map {'a': 1}", "date '2020-02-30'", "interval 1 day"),
        *("'\\xFF'::blob", "'1e5'", "' nan '", "'-inf'", "'0x10'", "'1_000'", "'1,5'", "''"),
        *("170141183460469231731687303715884105727", "9" * 200, "1e400", "true", "'maybe'"),
        *("time '10:00'", "uuid()", "'[pop'", "['pop', 1]", "x -> x", "(select 1)", "default"),
    ]
)


PLACES = [(task, name) for task, row in GOOD.items() for name in row]
CALLS = st.tuples(st.sampled_from(PLACES), LITERALS)


def literal(value) -> str:
    return str(value) if isinstance(value, list | float) else f"'{value}'"


def ask(connection, task: str, name: str, text: str) -> tuple:
    """The answers of a function and the check if one argument is replaced by a text."""
    row = {key: literal(value) for key, value in GOOD[task].items()} | {name: text}
    values = ", ".join(f"{key} := {value}" for key, value in row.items())
    query = f"select predict_{task}({values}), check_{task}({values})"
    return connection.execute(query).fetchall()[0]


def is_a_value(connection, name: str, text: str) -> bool:
    """True if DuckDB casts the text to a finite number or to the type of the argument."""
    if name in {"mode", "genres", "released_on"}:
        return True
    number = f"try_cast({text} as double)"
    if name in FLAG_NAMES:
        number = f"coalesce({number}, cast(try_cast({text} as boolean) as double))"
    return connection.execute(f"select isfinite({number})").fetchall() == [(True,)]


def call_outcome(connection, task: str, name: str, text: str) -> str:
    try:
        answer, problems = ask(connection, task, name, text)
    except duckdb.Error as error:
        assert not isinstance(error, duckdb.InternalException | duckdb.FatalException), error
        assert re.match(r"(\w+ )+Error: \S", str(error)), error
        return "a named error"
    if answer is None:
        assert problems, (task, name, text)
        return "NULL with a reason"
    assert is_a_value(connection, name, text), (task, name, text, answer)
    return "a number: it is a value after all"


def test_an_argument_of_the_wrong_type_is_a_clear_error(backend):
    calls = generated(CALLS, ROWS // 5)
    outcomes = Counter(call_outcome(backend, *place, text) for place, text in calls)
    show("Calls", outcomes)
    assert outcomes.total() == len(calls) and len(outcomes) == 3
    assert outcomes["a named error"] > len(calls) / 3
