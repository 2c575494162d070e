"""What functions and views say cannot depend on the session that calls them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

# They sort by settings of the session, unless they are told the direction and where NULLs go.
SORTS = {"list_sort": 3, "array_sort": 3, "list_grade_up": 3, "array_grade_up": 3}
REFUSED_SORTS = {"list_reverse_sort", "array_reverse_sort"}
PERSISTED = """
    select
        format('function {}({})', function_name, array_to_string(parameters, ', ')),
        'select ' || macro_definition
    from duckdb_functions()
    where function_type = 'macro' and not internal and database_name = current_database()
    union all
    select 'view ' || schema_name || '.' || view_name, sql
    from duckdb_views()
    where not internal and database_name = current_database()
    order by all
"""


def persisted(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The bodies of all functions and views, as queries."""
    rows = connection.execute(PERSISTED).fetchall()
    return {name: re.sub(r"^CREATE VIEW .*? AS ", "", body) for name, body in rows}


def compiled(parsed: Path) -> dict[str, str]:
    """The compiled SQL of all models."""
    folder = parsed / "compiled" / "hitparade" / "dbt_project" / "models"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.sql")}


def nodes(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict]:
    """All nodes of a query's syntax tree, as DuckDB parses it."""
    ((text,),) = connection.execute("select json_serialize_sql(?)", [query]).fetchall()
    tree = json.loads(text)
    assert not tree["error"], tree
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def problems(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """What of a query depends on the order settings of a session."""
    found = []
    for node in nodes(connection, query):
        if "null_order" in node and node.get("type") == "ORDER_DEFAULT":
            found.append("an ORDER BY without direction")
        elif node.get("null_order") == "ORDER_DEFAULT":
            found.append("an ORDER BY that does not say where NULLs go")
        name = node.get("function_name")
        arguments = node.get("arguments") or node.get("children") or ()
        if name in REFUSED_SORTS or len(arguments) < SORTS.get(name, 0):
            found.append(f"{name} without direction")
    return found


def tables(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """The tables that a query reads, except its own common table expressions."""
    found, own = set(), set()
    for node in nodes(connection, query):
        if node.get("type") == "BASE_TABLE":
            found.add(f"{node['schema_name']}.{node['table_name']}")
        if "cte_map" in node:
            own |= {f".{entry['key']}" for entry in node["cte_map"]["map"]}
    return found - own


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("select row_number() over (order by x desc) from t", "where NULLs go"),
        ("select list(x order by x) from t", "without direction"),
        ("select list_sort([2, 1])", "list_sort without direction"),
        ("select list_reverse_sort([2, 1])", "list_reverse_sort without direction"),
    ],
)
def test_the_check_finds_each_kind_of_problem(query, problem):
    with duckdb.connect() as connection:
        assert problem in problems(connection, query)[0]
        stated = (
            "select list(x order by x asc nulls last), list_sort([1], 'ASC', 'NULLS LAST') from t"
        )
        assert problems(connection, stated) == []


def test_no_function_or_view_depends_on_order_settings(sql_backend):
    found = {name: problems(sql_backend, query) for name, query in persisted(sql_backend).items()}
    assert len(found) > 60
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_every_function_and_view_names_the_schema_of_its_tables(sql_backend):
    """A table of the caller may have any name."""
    bodies = persisted(sql_backend)
    found = {name: tables(sql_backend, query) for name, query in bodies.items()}
    assert "ml.served_models" in found["function onnx_predict(model_id, features)"]
    unqualified = {
        name: [table for table in names if table.startswith(".")] for name, names in found.items()
    }
    assert {name: names for name, names in unqualified.items() if names} == {}


def test_every_model_sorts_in_a_stated_direction(sql_backend, warehouse):
    """dbt builds them in a session that a profile may configure."""
    models = compiled(warehouse.folder / "target")
    assert len(models) > 60
    found = {
        name: [text for text in problems(sql_backend, query) if "NULLs" not in text]
        for name, query in models.items()
    }
    assert {name: texts for name, texts in found.items() if texts} == {}
