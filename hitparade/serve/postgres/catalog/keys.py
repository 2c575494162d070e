"""Keys of the tables, as far as the file knows them.

The tables have no PRIMARY KEY: an index over them would slow every build. But ml.runs says which
data tests passed. A `unique` or `unique_combination_of_columns` test that passed after the newest
build of its table proves a key, and a `relationships` test a foreign key. The file is read-only, so
what was proven remains true. Without such tests, as after `dbt run`, no key is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5

import duckdb

_LONGEST = 63

# The newest outcome of each node, unless its table was built after it.
_PASSED = """
select node[6:] from ml.runs
where node like 'test.%'
qualify row_number() over (partition by node order by started_at desc) = 1 and status = 'pass'
"""
_BUILT = """
select node[7:], max(started_at) from ml.runs where node like 'model.%' and status = 'success'
group by 1
"""
_TESTED = """
select node[6:], max(started_at) from ml.runs where node like 'test.%' group by 1
"""


@dataclass(frozen=True)
class Table:
    """A table with its columns in order; True if a column is NOT NULL."""

    schema: str
    name: str
    columns: dict[str, bool]


@dataclass(frozen=True)
class Key:
    """A key: kind is p, u or f, as in pg_constraint. The columns are numbers from 1."""

    table: Table
    kind: str
    name: str
    columns: tuple[int, ...]
    target: "Key | None" = None


def proven(connection: duckdb.DuckDBPyConnection, tables: list[Table]) -> list[Key]:
    """The keys of these tables that data tests have proven."""
    tests = _passed(connection)
    unique = [key for table in tables for key in _unique(table, tests)]
    return unique + [key for table in tables for key in _foreign(table, unique, tests)]


def _passed(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The names of the tests that passed after the newest build of a table, by table."""
    try:
        passed = {name for (name,) in connection.execute(_PASSED).fetchall()}
        tested = dict(connection.execute(_TESTED).fetchall())
        built = dict(connection.execute(_BUILT).fetchall())
    except duckdb.CatalogException:  # a file of another project
        return {}
    return {
        table: [name for name in sorted(passed) if f"_{table}_" in name and tested[name] >= when]
        for table, when in built.items()
    }


def _unique(table: Table, tests: dict[str, list[str]]) -> Iterator[Key]:
    found = sorted(
        (columns for name in tests.get(table.name, []) if (columns := _columns(name, table))),
        key=lambda columns: (len(columns), columns),
    )
    names = list(table.columns)
    has_primary = False
    for columns in found:
        is_primary = not has_primary and all(table.columns[names[number - 1]] for number in columns)
        has_primary = has_primary or is_primary
        stem = "_".join(names[number - 1] for number in columns)
        name = f"{table.name}_pkey" if is_primary else f"{table.name}_{stem}_key"
        yield Key(table, "p" if is_primary else "u", _short(name), columns)


def _short(name: str) -> str:
    """A name of at most 63 characters, which is what clients expect."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}_{md5(name.encode()).hexdigest()[:8]}"


def _columns(test: str, table: Table) -> tuple[int, ...] | None:
    """The columns that a test proves to be unique, or None if it is another test."""
    for prefix, separator in (("unique_combination_of_columns", "__"), ("unique", None)):
        start = f"{prefix}_{table.name}_"
        if test.startswith(start):
            rest = test.removeprefix(start)
            return _numbers(rest.split(separator) if separator else [rest], table)
    return None


def _numbers(names: list[str], table: Table) -> tuple[int, ...] | None:
    places = {name: number for number, name in enumerate(table.columns, start=1)}
    if all(name in places for name in names):
        return tuple(places[name] for name in names)
    return None


def _foreign(table: Table, unique: list[Key], tests: dict[str, list[str]]) -> Iterator[Key]:
    passed = {name for name in tests.get(table.name, []) if name.startswith("relationships_")}
    if not passed:
        return
    for number, column in enumerate(table.columns, start=1):
        for key in unique:
            if len(key.columns) == 1:
                field = list(key.table.columns)[key.columns[0] - 1]
                test = f"relationships_{table.name}_{column}__{field}__ref_{key.table.name}_"
                if test in passed:
                    name = _short(f"{table.name}_{column}_fkey")
                    yield Key(table, "f", name, (number,), key)
