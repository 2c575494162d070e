"""Makes the catalogs of an opened file, in a database in memory."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from hitparade.serve.postgres.catalog import facts, keys, oids, signatures
from hitparade.serve.postgres.types import postgres_type

DATABASE = "__postgres"
# The schemas of that database, by PostgreSQL's names. DuckDB reserves those.
SCHEMAS = {"pg_catalog": "catalog", "information_schema": "information"}
OWNER = "hitparade"
SCRIPTS = Path(__file__).parent / "sql"

_RELATIONS = """
select schema_name, table_name, 'r', comment, estimated_size::float, null
from duckdb_tables()
where not internal and database_name = $database and list_contains($schemas, schema_name)
union all
select schema_name, view_name, 'v', comment, 0, sql
from duckdb_views()
where not internal and database_name = $database and list_contains($schemas, schema_name)
order by 1, 2
"""
_COLUMNS = """
select
    schema_name, table_name, column_name, data_type, not is_nullable, comment,
    row_number() over (partition by schema_name, table_name order by column_index)
from duckdb_columns()
where not internal and database_name = $database and list_contains($schemas, schema_name)
order by schema_name, table_name, column_index
"""
_SIZE = """
select block_size * total_blocks from pragma_database_size() where database_name = $database
"""


def create(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    schemas: Sequence[str],
    users: Iterable[str] = (),
) -> None:
    """Create the catalogs of a file.

    Args:
        connection: the file is attached to it and in use; nothing is locked yet.
        database: the name of the attached file, which clients see too.
        schemas: what clients may see of it, in the order of their importance.
        users: roles that may log in. A session's own user is always shown.
    """
    place = connection.execute("select current_database(), current_schema()").fetchone()
    roles = [OWNER, *(user for user in users if user != OWNER)]
    connection.execute(f"attach ':memory:' as {DATABASE}")
    own = _read(connection, database, list(schemas))
    with connection.cursor() as plain:  # without functions of the session that hide the file's
        plain.execute(f'use "{database}"')
        own |= _functions(signatures.signatures(plain, database, list(schemas)))
    connection.execute(f"use {DATABASE}")
    try:
        _prepare(connection)
        _fill(connection, own, roles)
    finally:
        assert place is not None
        connection.execute(f'use "{place[0]}"."{place[1]}"')


def _read(
    connection: duckdb.DuckDBPyConnection, database: str, schemas: list[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """What the file has, as rows of the tables of sql/own.sql."""
    values = {"database": database, "schemas": schemas}
    relations = connection.execute(_RELATIONS, values).fetchall()
    columns = connection.execute(_COLUMNS, values).fetchall()
    tables = _tables(relations, columns)
    found = keys.proven(connection, tables)
    ids = oids.assign(
        [
            *(f"schema {schema}" for schema in schemas),
            *(
                f"{what} {schema}.{name}"
                for schema, name, *_ in relations
                for what in ("relation", "type", "array")
            ),
            *(f"{what} {_key_name(key)}" for key in found for what in ("constraint", "index")),
            f"database {database}",
        ]
    )
    return {
        "sizes": connection.execute(_SIZE, {"database": database}).fetchall(),
        "databases": [(ids[f"database {database}"], database)],
        "schemas": [
            (ids[f"schema {schema}"], schema, place) for place, schema in enumerate(schemas)
        ],
        "relations": [
            (
                *(ids[f"{what} {schema}.{name}"] for what in ("relation", "type", "array")),
                *(ids[f"schema {schema}"], schema, name),
                *rest,
            )
            for schema, name, *rest in relations
        ],
        "columns": [
            (
                *(ids[f"relation {schema}.{table}"], number, name),
                *postgres_type(of),
                *(required, comment),
            )
            for schema, table, name, of, required, comment, number in columns
        ],
        "keys": [_key_row(key, ids) for key in found],
    }


def _functions(functions: list[signatures.Signature]) -> dict[str, list[tuple[Any, ...]]]:
    # In PostgreSQL too, an id need only be unique in its catalog.
    ids = oids.assign(_function_key(function) for function in functions)
    return {
        "functions": [
            (
                *(ids[_function_key(of)], of.schema, of.name),
                *(of.arguments, of.types, of.result, of.is_table, of.body, of.comment),
            )
            for of in functions
        ]
    }


def _tables(relations: list[tuple], columns: list[tuple]) -> list[keys.Table]:
    found = {
        (schema, name): keys.Table(schema, name, {})
        for schema, name, kind, *_ in relations
        if kind == "r"
    }
    for schema, table, name, _, required, *_ in columns:
        if (schema, table) in found:
            found[schema, table].columns[name] = required
    return list(found.values())


def _function_key(function: signatures.Signature) -> str:
    arguments = ", ".join(function.arguments)
    return f"function {function.schema}.{function.name}({arguments})"


def _key_name(key: keys.Key) -> str:
    return f"{key.table.schema}.{key.name}"


def _key_row(key: keys.Key, ids: dict[str, int]) -> tuple:
    target = key.target
    shown = target or key
    return (
        ids[f"constraint {_key_name(key)}"],
        ids[f"index {_key_name(shown)}"],
        ids[f"relation {key.table.schema}.{key.table.name}"],
        ids[f"schema {key.table.schema}"],
        *(key.kind, key.name, list(key.columns), _names(key)),
        ids[f"relation {target.table.schema}.{target.table.name}"] if target else 0,
        *((list(target.columns), _names(target)) if target else (None, None)),
    )


def _names(key: keys.Key) -> list[str]:
    names = list(key.table.columns)
    return [names[number - 1] for number in key.columns]


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all tables, and fill in the rows of PostgreSQL's own catalogs."""
    tables = (
        relation.statement(f'{SCHEMAS[relation.schema]}."{relation.name}"')
        for relation in facts.relations().values()
    )
    schemas = (f"create schema {name};" for name in SCHEMAS.values())
    connection.execute("\n".join([*schemas, *tables]))
    connection.execute(_script("own"))
    connection.execute(_script("facts").replace("{facts}", str(facts.FOLDER)))


def _fill(
    connection: duckdb.DuckDBPyConnection, own: dict[str, list[tuple[Any, ...]]], users: list[str]
) -> None:
    ids = oids.assign(users) | {OWNER: 10}
    own["users"] = [(ids[user], user) for user in users]
    for table, rows in own.items():
        _insert(connection, f"own.{table}", rows)
    # A literal, because a function in FROM takes no query as an argument.
    schemas = ", ".join(f"'{name}'" for name in (*SCHEMAS, *(row[1] for row in own["schemas"])))
    for name in ("pg_catalog", "information_schema", "macros"):
        connection.execute(_script(name).replace("{schemas}", schemas))


def _script(name: str) -> str:
    return (SCRIPTS / f"{name}.sql").read_text(encoding="utf-8")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    """Insert rows at once: one list for each column is much faster than one call for each row."""
    if rows:
        marks = ", ".join(f"unnest(${number + 1})" for number in range(len(rows[0])))
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"insert into {table} select {marks}", columns)
