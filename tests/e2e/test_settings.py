"""Every function and view gives the same answers whatever a session has set, made or named."""

import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import udfs
from tests.e2e.calls import calls, has_no_sql_form

# Rows that a function is called for; explanations and advice take long.
ROWS, FEW = 40, 2
DATABASE = "warehouse"  # the name of the file
OTHER_VALUES = {
    "default_order": ["DESC"],
    "default_null_order": ["NULLS FIRST", "nulls_first_on_asc_last_on_desc"],
    "default_collation": ["nocase", "noaccent", "nfc", "de"],
    "TimeZone": ["Pacific/Apia", "America/Caracas"],
    "Calendar": ["japanese"],
    "schema": ["staging", "ml"],
    "threads": ["1"],
    "lambda_syntax": ["ENABLE_SINGLE_ARROW"],
    "ordered_aggregate_threshold": ["1"],
    "disabled_optimizers": ["filter_pushdown,expression_rewriter"],
}
# Settings that are irreversible, change what is printed, or cannot change on an open database.
LEFT_OUT = (
    *("allow_", "auto", "disable_database_invalidation", "enable_logging", "enable_profiling"),
    *("errors_as_json", "lock_configuration", "warnings_as_errors"),
)
# The setting that people change most; the others are slow tests.
QUICK = ("default_order",)


def flags() -> dict[str, str]:
    """Every on-or-off setting of this DuckDB, with its other value."""
    query = "select name, value from duckdb_settings() where input_type = 'BOOLEAN' order by all"
    with duckdb.connect() as connection:
        found = connection.execute(query).fetchall()
    return {
        name: "false" if value in ("true", "1") else "true"
        for name, value in found
        if not name.startswith(LEFT_OUT)
    }


def settings() -> Iterator[dict[str, str]]:
    """Settings to try together: those of OTHER_VALUES each for itself, and flags in tens."""
    for name, values in OTHER_VALUES.items():
        yield from ({name: value} for value in values)
    others = flags()
    yield {"integer_division": others.pop("integer_division")}
    names = list(others)
    for start in range(0, len(names), 10):
        yield {name: others[name] for name in names[start : start + 10]}


def views(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """A query for each view."""
    query = (
        "select schema_name || '.' || view_name from duckdb_views() "
        "where not internal and database_name = current_database() order by all"
    )
    return {name: f"from {DATABASE}.{name}" for (name,) in connection.execute(query).fetchall()}


def queries(connection: duckdb.DuckDBPyConnection, rows: int, few: int) -> dict[str, str]:
    """A query for each function, for so many rows or few if it is slow, and for each view."""
    found = {}
    for name, call in calls(connection).items():
        is_slow = "explain" in name or "optimize" in name or name == "describe_changes"
        found[name] = call.query(DATABASE, few if is_slow else rows)
    return found | views(connection)


def answers(
    connection: duckdb.DuckDBPyConnection, before: str = "", rows: int = ROWS, few: int = FEW
) -> dict[str, list[str] | str]:
    """What each function and view answers: rows in no order, or an error.

    `before` stands before each query, such as a common table expression.
    """
    found: dict[str, list[str] | str] = {}
    for name, query in queries(connection, rows, few).items():
        try:
            found[name] = sorted(map(repr, connection.execute(before + query).fetchall()))
        except duckdb.Error as error:
            found[name] = "no SQL form" if has_no_sql_form(error) else str(error)
    return found


NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


def alike(some: object, others: object) -> bool:
    """True if two answers are the same but for the rounding of float32.

    ONNX Runtime adds the products of a row in an order that depends on the number of rows in its
    batch, and that number depends on settings.
    """
    if some == others:
        return True
    texts = [str(some), str(others)]
    words = [NUMBER.sub("", text) for text in texts]
    numbers = [map(float, NUMBER.findall(text)) for text in texts]
    return words[0] == words[1] and all(
        math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-6)
        for one, other in zip(*numbers, strict=True)
    )


def changes(found: dict, plain: dict) -> dict:
    """The answers that are not the plain ones."""
    return {name: rows for name, rows in found.items() if not alike(rows, plain[name])}


@pytest.fixture(scope="module", params=["sql_backend", "onnx_runtime"])
def backend(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def own(warehouse_with_playlists, tmp_path_factory) -> Path:
    """A copy, because some settings are those of all connections to a file."""
    copied = tmp_path_factory.mktemp("settings") / "warehouse.duckdb"
    return Path(shutil.copy(warehouse_with_playlists.database, copied))


@contextmanager
def opened(database: Path, backend: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database that no other connection has open."""
    with duckdb.connect(database, read_only=True) as connection:
        if backend == "onnx_runtime":
            udfs.register(connection)
        yield connection


@pytest.fixture(scope="module")
def plain(own, backend) -> dict[str, list[str] | str]:
    with opened(own, backend) as connection:
        return answers(connection)


def test_every_function_answers_or_has_no_sql_form(plain, backend):
    failed = {name: rows for name, rows in plain.items() if isinstance(rows, str)}
    assert {*failed.values()} <= ({"no SQL form"} if backend == "sql_backend" else set())
    assert sum(len(rows) for name, rows in plain.items() if name not in failed) > 1_000


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(one, marks=() if {*one} & {*QUICK} else pytest.mark.slow, id=str(one)[:60])
        for one in settings()
    ],
)
def test_settings_change_no_answer(changed, plain, backend, own):
    with opened(own, backend) as connection:
        for name, value in changed.items():
            connection.execute(f"set {name} = '{value}'")
        found = answers(connection)
    assert changes(found, plain) == {}


# Names of the caller


def tables(connection: duckdb.DuckDBPyConnection, schemas: str = "%") -> set[str]:
    """The name of every table and view in schemas like this."""
    query = (
        "select table_name from information_schema.tables "
        "where table_catalog = current_database() and table_schema like ?"
    )
    return {name for (name,) in connection.execute(query, [schemas]).fetchall()}


def changed_by_temporary_tables(own, backend, plain, names: set[str]) -> set[str]:
    with opened(own, backend) as connection:
        for name in names:
            connection.execute(f'create temp table "{name}" as select 42 as planted')
        found = answers(connection)
    return {*changes(found, plain)}


def test_temporary_tables_of_the_caller_change_no_answer(plain, backend, own):
    with opened(own, backend) as connection:
        names = tables(connection) - tables(connection, "main")
    assert changed_by_temporary_tables(own, backend, plain, names) == set()


def test_a_temporary_table_that_is_called_as_one_of_main_is_read(plain, backend, own):
    """DuckDB looks for main.x among temporary tables first, and a body cannot name its database."""
    with opened(own, backend) as connection:
        names = tables(connection, "main")
    changed = changed_by_temporary_tables(own, backend, plain, names)
    views_of_main = {key for key in changed if "." in key}
    assert changed - views_of_main == {"similar_tracks"}


def test_common_table_expressions_of_the_caller_change_no_answer(plain, backend, own):
    with opened(own, backend) as connection:
        planted = ", ".join(
            f'"{name}" as (select 42 as planted)' for name in sorted(tables(connection))
        )
        found = answers(connection, before=f"with {planted} ")
    assert changes(found, plain) == {}


def names_in_functions(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every word in the bodies of functions: parameters of lambdas, columns, aliases, fields."""
    query = (
        "select macro_definition from duckdb_functions() "
        "where not internal and database_name = current_database()"
    )
    bodies = " ".join(body for (body,) in connection.execute(query).fetchall())
    return {name.lower() for name in re.findall(r"[a-zA-Z_]\w*", bodies)}


@pytest.mark.slow
def test_columns_of_the_caller_change_no_answer(plain, backend, own):
    """Each argument is a column that is called as something within the function."""
    song = "0.71, 0.83, 0.52, 124"
    calls = ("predict_hit({})", "check_hit({})", "explain_hit({})", "predict_hit_by('xgboost', {})")
    with opened(own, backend) as connection:
        names = sorted(names_in_functions(connection))
        assert {"o", "v", "__served", "model_id"} <= {*names}
        for call in calls:
            ((expected,),) = connection.execute(f"select {call.format(song)}").fetchall()
            for start in range(0, len(names) - 4, 4):
                four = ", ".join(f'"{name}"' for name in names[start : start + 4])
                row = ", ".join(
                    f'{value} as "{name}"'
                    for name, value in zip(names[start : start + 4], song.split(", "), strict=True)
                )
                query = f"select {call.format(four)} from (select {row}) as planted"
                assert connection.execute(query).fetchall() == [(expected,)], (call, four)
