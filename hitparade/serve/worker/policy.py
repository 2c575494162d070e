"""Which statements may run: one SELECT over permitted schemas, without functions that reach out.

DuckDB itself parses the statement (`json_serialize_sql`), so the check sees what will run. It is
the first of two walls: the connection also has no external access, and the file is read-only.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
SOURCES = {
    *("BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT"),
    "SHOW_REF",
}
TABLE_FUNCTIONS = {
    *("generate_series", "range", "unnest", "repeat", "repeat_row", "json_each", "json_tree"),
    *("pg_timezone_names", "icu_calendar_names"),
}
# Scalar functions that read settings, change state, or are internal to the optimizer.
REFUSED_FUNCTIONS = {
    *("current_setting", "getvariable", "getenv", "nextval", "currval", "setseed", "write_log"),
    *("current_query", "in_search_path", "parse_duckdb_log_message", "json_serialize_plan"),
    *("pg_get_viewdef", "pg_get_constraintdef", "json_execute_serialized_sql"),
}
INTERNAL_PREFIX = "__internal"
# Functions of one list, and its type: text[] and oid[]. `= any($1)` stands for the first; the
# catalogs have the second.
LISTS = {"unnest": 1009, "as_numbers": 1028}
CATALOG = "__postgres"
"""The in-memory database that holds PostgreSQL's catalogs."""


class Refused(Exception):
    """A statement that may not run, with its SQLSTATE."""

    def __init__(self, sqlstate: str, message: str):
        """Take PostgreSQL's five characters and a sentence for the user."""
        super().__init__(message)
        self.sqlstate = sqlstate


@dataclass(frozen=True)
class Names:
    """What a database file offers: read once, when the file is opened."""

    database: str
    schemas: frozenset[str]
    """Of the file, in lower case."""
    relations: frozenset[tuple[str, str]]
    """Schema and name of each table and view, in lower case."""
    table_functions: frozenset[str]
    """Table macros of the file, in lower case."""
    arguments: dict[str, list[list[tuple[str, int]]]]
    """Of each function: its forms, the shortest first, with names and PostgreSQL types."""
    internal: frozenset[str]
    """Views of DuckDB's own, in lower case: they tell settings, paths and other files."""


@dataclass(frozen=True)
class Parameter:
    """One `$n` of a statement.

    Attributes:
        number: n.
        start: where it stands, in bytes of UTF-8.
        length: in bytes.
        cast: the type of DuckDB that the statement casts it to.
        argument: PostgreSQL's type of the argument of a function that it is, or 0.
    """

    number: int
    start: int
    length: int
    cast: str | None
    argument: int


@dataclass(frozen=True)
class Parsed:
    """A statement that may run: as DuckDB parsed it, and its parameters."""

    statement: dict[str, Any]
    parameters: tuple[Parameter, ...]


def names_of(connection: duckdb.DuckDBPyConnection, database: str) -> Names:
    """Read the names of an attached database."""
    relations = connection.execute(
        "select lower(schema_name), lower(table_name) from duckdb_tables() where database_name = $1"
        " union all"
        " select lower(schema_name), lower(view_name) from duckdb_views() where database_name = $1",
        [database],
    ).fetchall()
    schemas = connection.execute(
        "select lower(schema_name) from duckdb_schemas() where database_name = $1", [database]
    ).fetchall()
    macros = connection.execute(
        "select distinct lower(function_name) from duckdb_functions()"
        " where database_name = $1 and function_type = 'table_macro'",
        [database],
    ).fetchall()
    internal = connection.execute("select lower(view_name) from duckdb_views() where internal")
    internal_names = frozenset(name for (name,) in internal.fetchall())
    functions = connection.execute(
        "select lower(function.proname), function.proargnames, function.proargtypes"
        f" from {CATALOG}.catalog.pg_proc as function"
        f" join {CATALOG}.catalog.pg_namespace as schema on schema.oid = function.pronamespace"
        " where schema.nspname not in ('pg_catalog', 'information_schema')"
    ).fetchall()
    forms: dict[str, list[list[tuple[str, int]]]] = {}
    for name, arguments, types in sorted(functions, key=lambda row: len(row[2])):
        forms.setdefault(name, []).append(list(zip(arguments or [], types, strict=False)))
    return Names(
        internal=internal_names,
        arguments=forms,
        database=database.lower(),
        schemas=frozenset(name for (name,) in schemas),
        relations=frozenset((schema, name) for schema, name in relations),
        table_functions=frozenset(name for (name,) in macros),
    )


def check(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    names: Names,
    schemas: frozenset[str],
    search_path: tuple[str, ...],
) -> Parsed:
    """Return a statement, parsed, if it may run.

    Raises:
        Refused: it is no single SELECT, or reads what the user may not read.
        duckdb.Error: it cannot be parsed.
    """
    parsed = _parsed(connection, sql)
    known = _common_table_expressions(parsed)
    for node in _nodes(parsed):
        _check_query_nodes(node)
        kind = node.get("type")
        if kind == "BASE_TABLE":
            _check_relation(_path(node), names, schemas, search_path, known)
        elif kind == "SHOW_REF" and not node["query"]:
            raise Refused("0A000", "SHOW lists what DuckDB holds: query information_schema instead")
        elif kind == "TABLE_FUNCTION":
            _check_table_function(node["function"], names)
        elif kind == "FUNCTION":
            _check_function(_path(node))
    return Parsed(parsed, tuple(_parameters(parsed, names)))


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    ((text,),) = connection.execute("select json_serialize_sql($1)", [sql]).fetchall()
    try:
        parsed = json.loads(text)
    except RecursionError as error:
        raise Refused("54001", "the statement is nested too deeply") from error
    if parsed["error"]:
        if parsed["error_type"] == "parser":
            raise Refused("42601", parsed["error_message"])
        connection.extract_statements(sql)  # raises what DuckDB says of a statement it cannot parse
        raise Refused("42501", "only SELECT may run here: the database is read-only")
    if len(parsed["statements"]) != 1:
        raise Refused("42601", "give one statement at a time")
    return parsed["statements"][0]


def _nodes(parsed: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a parsed statement. A stack, because nesting can be deep."""
    stack = [parsed]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _common_table_expressions(parsed: dict[str, Any]) -> frozenset[str]:
    return frozenset(
        entry["key"].lower()
        for node in _nodes(parsed)
        for entry in (node.get("cte_map") or {}).get("map", [])
    )


def _check_query_nodes(node: dict[str, Any]) -> None:
    """Refuse what is not a query: DuckDB parses an INSERT inside a WITH, too."""
    if str(node.get("type", "")).endswith("_NODE") and node["type"] not in QUERY_NODES:
        raise Refused("42501", "only SELECT may run here: the database is read-only")
    source = node.get("from_table")
    if source and source["type"] not in SOURCES:
        raise Refused("0A000", f"{source['type']} cannot be read here")


def _path(node: dict[str, Any]) -> list[str]:
    return [part.lower() for part in node["qualified_name"]["path"]]


def _check_relation(
    path: list[str],
    names: Names,
    schemas: frozenset[str],
    search_path: tuple[str, ...],
    known: frozenset[str],
) -> None:
    name = path[-1]
    if len(path) == 1:
        found = [schema for schema in search_path if (schema, name) in names.relations]
        if found and found[0] in schemas:
            return
        # The name of a common table expression, unless a view of DuckDB's own has it too:
        # outside of the expression's scope, the name would mean that view.
        if not found and name in known and name not in names.internal:
            return
    elif path[0] == CATALOG or (
        path[:-2] in ([], [names.database])
        and (path[-2], name) in names.relations
        and path[-2] in schemas
    ):
        return
    shown = ".".join(path)
    if not any(relation == name for _, relation in names.relations):
        raise Refused("42P01", f'relation "{shown}" does not exist')
    raise Refused("42501", f'permission denied for relation "{shown}": {_permitted(schemas)}')


def _permitted(schemas: frozenset[str]) -> str:
    return f"you may read the schemas {', '.join(sorted(schemas))}"


def _check_table_function(function: dict[str, Any], names: Names) -> None:
    path = _path(function)
    name = path[-1]
    if path[0] == CATALOG:
        return
    if name not in TABLE_FUNCTIONS and name not in names.table_functions:
        raise Refused("42501", f"the table function {name} may not be called here")


def _check_function(path: list[str]) -> None:
    name = path[-1]
    if path[0] == CATALOG:
        return
    if name in REFUSED_FUNCTIONS or name.startswith(INTERNAL_PREFIX):
        raise Refused("42501", f"the function {name} may not be called here")


def _type(node: dict[str, Any]) -> str:
    """Return the SQL of a type."""
    inner = [_type(each) if "type_name" in each else "" for each in node["children"]]
    if node["type_name"].lower() == "list" and inner:
        return f"{inner[0]}[]"
    numbers = [each["literal"]["text"] for each in node["children"] if "literal" in each]
    return node["type_name"] + (f"({', '.join(numbers)})" if numbers else "")


def _arguments(parsed: dict[str, Any], names: Names) -> Iterator[tuple[int, int]]:
    """Yield the id of each node that is an argument of a known function, and its type."""
    for node in _nodes(parsed):
        if node.get("type") != "FUNCTION" or "arguments" not in node:
            continue
        given = node["arguments"]
        if of := LISTS.get(_path(node)[-1]):
            yield from ((id(argument["expression"]), of) for argument in given)
            continue
        forms = names.arguments.get(_path(node)[-1], [])
        # Arguments at the end may have defaults.
        known = next((form for form in forms if len(form) >= len(given)), [])
        by_name = dict(known)
        for place, argument in enumerate(given):
            by_place = known[place][1] if place < len(known) else 0
            name = argument["name"].lower()
            yield id(argument["expression"]), by_name.get(name, 0) if name else by_place


def _parameters(parsed: dict[str, Any], names: Names) -> Iterator[Parameter]:
    """Yield each parameter, with what the statement says of its type."""
    arguments = dict(_arguments(parsed, names))
    casts = {
        id(node["child"]): _type(node["type_expr"])
        for node in _nodes(parsed)
        if node.get("class") == "CAST"
    }
    for node in _nodes(parsed):
        if node.get("class") == "PARAMETER" and node["identifier"].isdigit():
            yield Parameter(
                int(node["identifier"]),
                node["query_location"],
                node["query_location_length"],
                casts.get(id(node)),
                arguments.get(id(node), 0),
            )
