"""A real PostgreSQL server with the same relations as a warehouse, to compare the catalogs with."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

PORT = 5498
USER = "alice"
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))

_COLUMNS = """
select attrelid, attname, __postgres.catalog.format_type(atttypid, atttypmod), attnotnull
from __postgres.catalog.pg_attribute
join __postgres.own.relations on relations.oid = attrelid
order by attrelid, attnum
"""


def is_installed() -> bool:
    """Whether this machine has a PostgreSQL server of the version of our facts."""
    return bool(PROGRAMS) and PROGRAMS[-1].parent.parent.name == "15"


def _run(program: str, *arguments: str) -> None:
    # The server refuses to run as root.
    command = [str(PROGRAMS[-1].with_name(program)), *arguments]
    if os.getuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    subprocess.run(command, check=True, capture_output=True, cwd="/")


@contextmanager
def server() -> Iterator[str]:
    """A new server; yields the folder of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = str(folder / "data")
    _run("initdb", "-D", data, "-U", "hitparade", "-E", "UTF8", "--locale=C", "-A", "trust")
    options = f"-p {PORT} -k {folder} -c fsync=off -c log_statement=all -c timezone=UTC"
    options += " -c log_line_prefix=@@ -c max_locks_per_transaction=500"
    try:
        _run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
        yield str(folder)
    finally:
        _run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def mirror(connection: duckdb.DuckDBPyConnection) -> str:
    """The statements that create what the catalogs of this connection describe."""

    def rows(sql: str) -> list[tuple]:
        return connection.execute(sql).fetchall()

    parts = [
        f"create role {USER} login; drop schema public; set search_path = main;",
        "alter database hitparade set search_path = main;",
        "revoke all on database hitparade from public, hitparade;",
        "grant connect on database hitparade to hitparade, public;",
    ]
    for (schema,) in rows("select name from __postgres.own.schemas"):
        parts.append(f"create schema {schema};")
        parts.append(f"revoke all on schema {schema} from hitparade;")
        parts.append(f"grant usage on schema {schema} to hitparade, public;")
    columns: dict[int, list[tuple]] = {}
    for relation, *column in rows(_COLUMNS):
        columns.setdefault(relation, []).append(tuple(column))
    relations = rows(
        "select oid, schema, name, kind, tuples from __postgres.own.relations order by all"
    )
    for oid, schema, name, kind, _ in relations:
        parts.append(_relation(f"{schema}.{name}", kind, columns[oid]))
    for (schema,) in rows("select name from __postgres.own.schemas"):
        parts.append(f"revoke all on all tables in schema {schema} from hitparade;")
        parts.append(f"grant select on all tables in schema {schema} to hitparade, public;")
    parts += _functions(rows)
    parts += _keys(rows)
    parts += [
        f"update pg_class set reltuples = {tuples}, relpages = ceil({tuples}::float8 / 100)"
        f" where oid = '{schema}.{name}'::regclass;"
        for _, schema, name, kind, tuples in relations
        if kind == "r"
    ]
    parts.append(
        "update pg_class as class set reltuples = parent.reltuples from pg_index join pg_class as"
        " parent on parent.oid = indrelid where indexrelid = class.oid and class.oid >= 16384;"
    )
    parts += _comments(rows)
    return "\n".join(parts)


def _relation(name: str, kind: str, columns: list[tuple]) -> str:
    if kind == "v":
        shown = ", ".join(f'null::{of} as "{column}"' for column, of, _ in columns)
        return f"create view {name} as select {shown};"
    listed = ", ".join(
        f'"{column}" {of}{" not null" if required else ""}' for column, of, required in columns
    )
    return f"create table {name} ({listed});"


def _functions(rows) -> list[str]:
    found = rows(
        "select schema, name, __postgres.catalog.pg_get_function_arguments(oid),"
        " __postgres.catalog.pg_get_function_result(oid), body from __postgres.own.functions"
    )
    parts = [
        f"create function {schema}.{name}({_quoted(arguments)}) returns {result}"
        f" stable language internal as 'textin';"
        for schema, name, arguments, result, _ in found
    ]
    # Only functions in C may take any type or row.
    parts.append("update pg_proc set prolang = 14 where oid >= 16384;")
    for schema, name, arguments, _, body in found:
        parts.append(
            f"update pg_proc set prosrc = $body${body}$body$ where proname = '{name}' and"
            f" pg_get_function_arguments(oid) = $args${arguments}$args$"
            f" and pronamespace = '{schema}'::regnamespace;"
        )
    return parts


def _quoted(arguments: str) -> str:
    return re.sub(r"(^|, )(\w+) ", r'\1"\2" ', arguments)


def _keys(rows) -> list[str]:
    return [
        f"alter table {schema}.{table} add constraint {name} {text};"
        for schema, table, name, text in rows(
            "select relations.schema, relations.name, keys.name,"
            " __postgres.catalog.pg_get_constraintdef(keys.oid, []) from __postgres.own.keys"
            " join __postgres.own.relations on relations.oid = keys.relation"
            " order by keys.kind desc"
        )
    ]


def _comments(rows) -> list[str]:
    parts = []
    for schema, name, kind, part, text in rows(
        "select schema, relations.name, kind, attname, description"
        " from __postgres.catalog.pg_description"
        " join __postgres.own.relations on relations.oid = objoid"
        " left join __postgres.catalog.pg_attribute"
        " on attrelid = objoid and attnum = objsubid and objsubid > 0"
        " where classoid = 1259"
    ):
        what = "view" if kind == "v" else "table"
        target = f'column {schema}.{name}."{part}"' if part else f"{what} {schema}.{name}"
        parts.append(f"comment on {target} is $comment${text}$comment$;")
    for schema, name, types, text in rows(
        "select schema, functions.name, __types, description from __postgres.own.functions"
        " join __postgres.own.lookup_functions on __oid = functions.oid"
        " join __postgres.catalog.pg_description on objoid = functions.oid"
    ):
        parts.append(f"comment on function {schema}.{name}({types}) is $comment${text}$comment$;")
    return parts
