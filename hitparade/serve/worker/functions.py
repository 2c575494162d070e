"""What a file tells of its SQL functions, read for the HTTP door."""

from typing import Any

import duckdb

FUNCTIONS = """
    select
        function_name as name,
        function_type = 'table_macro' as is_table,
        parameters,
        coalesce(comment, description, '') as description,
        macro_definition as definition
    from duckdb_functions()
    where database_name = $1 and schema_name = 'main' and not internal
        and function_type in ('macro', 'table_macro')
    order by name, len(parameters)
"""
MODELS = 'select model_id, task, algorithm from "{}".ml.model_versions order by all'
CHAMPIONS = 'select task, model_id from "{}".ml.champions order by all'


def read(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[dict[str, Any]]]:
    """Return every form of every function, all models, and the champions."""
    return {
        "functions": _rows(connection, FUNCTIONS, [database]),
        "models": _rows(connection, MODELS.format(database)),
        "champions": _rows(connection, CHAMPIONS.format(database)),
    }


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, values: list[str] | None = None
) -> list[dict[str, Any]]:
    connection.execute(sql, values)
    names = [each[0] for each in connection.description]
    return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]
