"""Types of the arguments and results of the file's SQL functions.

A macro of DuckDB declares no types. The type of its result is asked of DuckDB, which binds a call
with NULLs without running it. The type of an argument follows from what the macro does with it: an
argument that is also taken from a row, as in predict_hit(t), has the type of that column, and
others have the type to which a macro casts them. A whole number that is cast to DOUBLE may have a
fraction, so it is a DOUBLE.
"""

import re
from collections import Counter
from dataclasses import dataclass

import duckdb

from hitparade.serve.postgres.types import postgres_type

RECORD = 2249  # any row
ANY = 2276
_ROW = "t"
_WHOLE = ("INTEGER", "BIGINT", "HUGEINT")

_MACROS = """
select
    schema_name, function_name, parameters, macro_definition, comment, function_type,
    row_number() over (partition by schema_name, function_name order by len(parameters) desc)
from duckdb_functions()
where not internal and database_name = $database and list_contains($schemas, schema_name)
order by all
"""
_COLUMNS = """
select column_name, any_value(data_type)
from duckdb_columns()
where not internal and database_name = $database and schema_name = 'main'
    and (table_name like 'dim\\_%' escape '\\' or table_name like 'fct\\_%' escape '\\')
group by 1
having count(distinct data_type) = 1
"""


@dataclass(frozen=True)
class Signature:
    """A SQL function with its arguments; the types are ids of PostgreSQL."""

    schema: str
    name: str
    arguments: list[str]
    types: list[int]
    result: int
    is_table: bool
    body: str
    comment: str | None


def signatures(
    connection: duckdb.DuckDBPyConnection, database: str, schemas: list[str]
) -> list[Signature]:
    """All functions of these schemas, overloads one by one."""
    values = {"database": database, "schemas": schemas}
    macros = connection.execute(_MACROS, values).fetchall()
    columns = dict(connection.execute(_COLUMNS, {"database": database}).fetchall())
    casts = _casts([(arguments, body) for _, _, arguments, body, *_ in macros])
    by_row = {(schema, name) for schema, name, arguments, *_ in macros if _ROW in arguments}
    results: dict[tuple[str, str], int] = {}
    found = []
    for schema, name, arguments, body, comment, kind, _ in macros:
        key = (schema, name)
        if key not in results:
            results[key] = _result(connection, schema, name, len(arguments), kind)
        types = [_type(of, body, key in by_row, columns, casts) for of in arguments]
        is_table = kind == "table_macro"
        found.append(
            Signature(schema, name, arguments, types, results[key], is_table, body, comment)
        )
    return found


def _result(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, arguments: int, kind: str
) -> int:
    if kind == "table_macro":
        return RECORD
    nulls = ", ".join(["null"] * arguments)
    try:
        described = connection.execute(f'describe select "{schema}"."{name}"({nulls})').fetchall()
    except duckdb.Error:  # a function that takes no NULL has any type
        return ANY
    return postgres_type(described[0][1]).oid


def _type(
    argument: str,
    body: str,
    has_row_form: bool,
    columns: dict[str, str],
    casts: dict[str, str],
) -> int:
    if argument == _ROW:
        return RECORD
    own = _cast(argument, body)
    declared = columns.get(argument) if has_row_form else None
    cast = own or casts.get(argument)
    text = cast if cast == "DOUBLE" and declared in _WHOLE else declared or cast
    return postgres_type(text).oid if text else ANY


def _cast(argument: str, body: str) -> str | None:
    """The type to which a macro casts an argument first."""
    name = rf'(?:"{re.escape(argument)}"|{re.escape(argument)})'
    found = re.search(rf"CAST\((?:{_ROW}\.)?{name} AS ([A-Z ]+(?:\[\])*)\)", body)
    return found.group(1) if found else None


def _casts(macros: list[tuple[list[str], str]]) -> dict[str, str]:
    """The type to which most macros cast an argument of a name."""
    counts: dict[str, Counter[str]] = {}
    for arguments, body in macros:
        for argument in arguments:
            if text := _cast(argument, body):
                counts.setdefault(argument, Counter())[text] += 1
    return {argument: count.most_common(1)[0][0] for argument, count in counts.items()}
