"""Real clients: each lists schemas, tables and columns, and calls functions.

What they should see is read from the file itself, with DuckDB's own functions.
"""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

import udfs
from hitparade.serve.http.declared import PACKAGED, Declarations
from tests.warehouse import ROOT

pytestmark = pytest.mark.slow  # other programs
SCHEMAS = {"main", "ml"}
HIT = "select track_id, predict_hit(t) as hit from dim_tracks t order by track_id limit 20"
SONGS = "select next_songs(['spotify:track:none'], 3)"
# Of each type of DuckDB that the marts have: PostgreSQL's name, and the code of JDBC and ODBC.
TYPES = {
    "BOOLEAN": ("boolean", -7),
    "INTEGER": ("integer", 4),
    "BIGINT": ("bigint", -5),
    "FLOAT": ("real", 7),
    "DOUBLE": ("double precision", 8),
    "VARCHAR": ("text", 12),
    "DATE": ("date", 91),
    "TIMESTAMP": ("timestamp without time zone", 93),
    "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", 93),
    "HUGEINT": ("numeric", 2),
}
JARS = [Path("/usr/share/java/postgresql.jar"), Path("/usr/share/java/postgresql-jdbc4.jar")]
ODBC = [Path("/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so")]
NODE = ROOT / ".clients" / "node"


@pytest.fixture(scope="module")
def direct(warehouse):
    with duckdb.connect(warehouse.database, read_only=True) as connection:
        udfs.register(connection)
        yield connection


@pytest.fixture(scope="module")
def relations(direct) -> dict[str, str]:
    """The tables and views of `main`, with what they are."""
    rows = direct.execute(
        "select table_name, 'BASE TABLE' from duckdb_tables() where schema_name = 'main'"
        " union all select view_name, 'VIEW' from duckdb_views()"
        " where schema_name = 'main' and not internal"
    )
    return dict(rows.fetchall())


@pytest.fixture(scope="module")
def columns(direct) -> dict[str, list[tuple[str, str, bool]]]:
    """The columns of each relation: name, DuckDB type, and whether it may be NULL."""
    rows = direct.execute(
        "select table_name, column_name, data_type, is_nullable from duckdb_columns()"
        " where schema_name = 'main' and database_name = current_database() and not internal"
        " order by table_name, column_index"
    ).fetchall()
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for table, column, kind, nullable in rows:
        found.setdefault(table, []).append((column, kind, nullable))
    return found


def _postgres(kind: str) -> str:
    if kind.endswith("[]"):
        return "ARRAY"
    return "numeric" if kind.startswith("DECIMAL") else TYPES[kind][0]


def _code(kind: str) -> int:
    if kind.endswith("[]"):
        return 2003
    return 2 if kind.startswith("DECIMAL") else TYPES[kind][1]


# psql


def _psql(server, *commands: str) -> str:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    arguments = [part for command in commands for part in ("-c", command)]
    run = subprocess.run(
        ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", *arguments],
        env=os.environ
        | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": server.user,
            "PGDATABASE": server.database,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _table(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.splitlines() if line]


def test_psql_lists_schemas_relations_and_functions(server, relations):
    assert {row[0] for row in _table(_psql(server, r"\dn"))} == SCHEMAS
    kinds = {"BASE TABLE": "table", "VIEW": "view"}
    shown = {row[1]: row[2] for row in _table(_psql(server, r"\d"))}
    assert shown == {name: kinds[kind] for name, kind in relations.items()}
    assert _table(_psql(server, r"\l"))[0][0] == server.database
    functions = {row[1] for row in _table(_psql(server, r"\df predict_*"))}
    assert {"predict_hit", "predict_tier", "predict_popularity"} <= functions


def test_psql_describes_every_relation(server, relations, columns):
    for name in relations:
        described = _table(_psql(server, rf"\d main.{name}"))
        found = [(row[0], row[1], row[3] == "") for row in described if len(row) == 5]
        expected = [(column, _shown(kind), nullable) for column, kind, nullable in columns[name]]
        assert found == expected, name


def _shown(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return f"numeric{kind.removeprefix('DECIMAL')}"
    return f"{_postgres(kind[:-2])}[]" if kind.endswith("[]") else _postgres(kind)


def test_the_arguments_of_functions_have_the_types_of_their_declarations(client):
    names = {"double": "double precision", "varchar": "text", "double[]": "double precision[]"}
    names |= {"varchar[]": "text[]", "float[]": "real[]"}
    declared = asyncio.run(Declarations([PACKAGED]).read())
    types = dict(client.execute("select oid, format_type(oid, null) from pg_type").fetchall())
    functions = client.execute(
        "select p.proname, p.proargnames, p.proargtypes::text from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'main'"
    ).fetchall()
    compared = 0
    for function, arguments, oids in functions:
        for argument, oid in zip(arguments or [], oids.split(), strict=True):
            said = declared[function].arguments.get(argument) if function in declared else None
            if said and types[int(oid)] != '"any"':  # some macros do not tell
                shown = names.get(said.type, said.type)
                assert types[int(oid)] == shown, f"{function}, {argument}"
                compared += 1
    assert compared > 300


def test_psql_shows_the_descriptions_of_columns(server, direct):
    described = _psql(server, r"\d+ dim_tracks")
    comments = direct.execute(
        "select column_name, comment from duckdb_columns() where table_name = 'dim_tracks'"
    ).fetchall()
    assert all(comment for _, comment in comments)
    for _, comment in comments:
        assert comment in described


def test_psql_runs_functions(server, direct):
    found = [(row[0], float(row[1])) for row in _table(_psql(server, HIT))]
    assert found == direct.execute(HIT).fetchall()
    songs = json.loads(_psql(server, f"select ({SONGS})::json"))
    assert songs == direct.execute(SONGS).fetchall()[0][0]


# node-postgres


def test_node_postgres(server, direct, relations, columns):
    if shutil.which("node") is None or not (NODE / "node_modules" / "pg").is_dir():
        pytest.skip("node-postgres is not there: run `make clients`")
    run = subprocess.run(
        ["node", str(Path(__file__).with_name("clients.mjs")), str(server.port), server.database],
        env=os.environ | {"CLIENT_MODULES": f"{NODE}/"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert set(found["schemas"]) >= SCHEMAS
    assert {row["table_name"]: row["table_type"] for row in found["tables"]} == relations
    assert [tuple(row.values()) for row in found["columns"]] == [
        (name, _postgres(kind), "YES" if nullable else "NO")
        for name, kind, nullable in columns["dim_tracks"]
    ]
    assert [tuple(row.values()) for row in found["over_a_table"]] == direct.execute(HIT).fetchall()
    one = direct.execute("select predict_hit(0.7, 0.8, 0.5, 120)").fetchone()[0]
    assert found["parameter"] == found["prepared"] == one
    assert (
        found["list"]
        == direct.execute("select genres from dim_tracks order by track_id").fetchone()[0]
    )
    assert found["list_parameter"] == [row[0] for row in direct.execute(SONGS).fetchall()]


# pgjdbc, which DBeaver, Metabase and Tableau use


@pytest.fixture(scope="module")
def jdbc(server):
    jpype = pytest.importorskip("jpype", reason="JPype runs the Java driver")
    jar = next((jar for jar in JARS if jar.is_file()), None)
    if jar is None or shutil.which("java") is None:
        pytest.skip("Java or its PostgreSQL driver is missing: libpostgresql-jdbc-java")
    if not jpype.isJVMStarted():
        jpype.startJVM(classpath=[str(jar)])
    manager = jpype.JClass("java.sql.DriverManager")
    jpype.JClass("org.postgresql.Driver")
    url = f"jdbc:postgresql://127.0.0.1:{server.port}/{server.database}"
    connection = manager.getConnection(url, server.user, "")
    yield connection
    connection.close()


def _rows(result, *names: str) -> list[tuple]:
    found = []
    while result.next():
        found.append(tuple(_value(result.getObject(name)) for name in names))
    return found


def _value(value):
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "getArray"):
        return [_value(each) for each in value.getArray()]
    return value.value if hasattr(value, "value") else str(value)


def test_pgjdbc_lists_schemas_and_relations(jdbc, relations):
    about = jdbc.getMetaData()
    schemas = {str(name) for (name,) in _rows(about.getSchemas(), "TABLE_SCHEM")}
    assert schemas - {"information_schema", "pg_catalog"} == SCHEMAS
    kinds = {"TABLE": "BASE TABLE", "VIEW": "VIEW"}
    tables = _rows(about.getTables(None, "main", "%", list(kinds)), "TABLE_NAME", "TABLE_TYPE")
    assert {str(name): kinds[str(kind)] for name, kind in tables} == relations


def test_pgjdbc_lists_the_columns_of_every_relation(jdbc, relations, columns):
    about = jdbc.getMetaData()
    for name in relations:
        rows = _rows(
            about.getColumns(None, "main", name, "%"),
            *("COLUMN_NAME", "DATA_TYPE", "NULLABLE", "ORDINAL_POSITION"),
        )
        found = [(str(column), int(code), bool(nullable)) for column, code, nullable, _ in rows]
        expected = [(column, _code(kind), nullable) for column, kind, nullable in columns[name]]
        assert found == expected, name
        assert [int(row[3]) for row in rows] == list(range(1, len(rows) + 1))


def test_pgjdbc_lists_functions_with_their_arguments(jdbc):
    about = jdbc.getMetaData()
    names = {str(name) for (name,) in _rows(about.getFunctions(None, "main", "%"), "FUNCTION_NAME")}
    assert {"predict_hit", "next_songs", "optimize_song", "check_hit"} <= names
    arguments = _rows(
        about.getFunctionColumns(None, "main", "predict_hit", "%"), "SPECIFIC_NAME", "COLUMN_NAME"
    )
    assert {"danceability", "energy", "valence", "tempo"} <= {str(name) for _, name in arguments}


@pytest.mark.parametrize("times", [1, 8])  # from the fifth time on, it prepares and sends binary
def test_pgjdbc_runs_functions(jdbc, direct, times):
    one = direct.execute("select predict_hit(0.7, 0.8, 0.5, 120)").fetchone()[0]
    statement = jdbc.prepareStatement("select predict_hit(?, ?, ?, ?) as hit")
    for _ in range(times):
        for place, value in enumerate((0.7, 0.8, 0.5, 120.0), start=1):
            statement.setDouble(place, value)
        assert _rows(statement.executeQuery(), "hit") == [(one,)]
    over = _rows(jdbc.createStatement().executeQuery(HIT), "track_id", "hit")
    assert [(str(name), hit) for name, hit in over] == direct.execute(HIT).fetchall()
    genres = "select genres from dim_tracks order by track_id limit 5"
    lists = _rows(jdbc.createStatement().executeQuery(genres), "genres")
    assert [([str(each) for each in row[0]],) for row in lists] == direct.execute(genres).fetchall()


def test_pgjdbc_takes_list_parameters_and_reads_in_parts(jdbc, direct):
    statement = jdbc.prepareStatement("select to_json(next_songs(?, 3)) as songs")
    statement.setArray(1, jdbc.createArrayOf("text", ["spotify:track:none"]))
    (songs,) = _rows(statement.executeQuery(), "songs")[0]
    assert json.loads(songs) == direct.execute(SONGS).fetchall()[0][0]
    jdbc.setAutoCommit(False)
    parts = jdbc.createStatement()
    parts.setFetchSize(100)
    found = _rows(parts.executeQuery("select i from range(1050) r(i)"), "i")
    jdbc.commit()
    jdbc.setAutoCommit(True)
    assert [int(row[0]) for row in found] == list(range(1050))


# psqlODBC, which Power BI, Excel and Tableau use


@pytest.fixture(scope="module")
def odbc(server):
    pyodbc = pytest.importorskip("pyodbc", reason="pyodbc runs the ODBC driver")
    driver = next((driver for driver in ODBC if driver.is_file()), None)
    if driver is None:
        pytest.skip("the PostgreSQL driver of ODBC is missing: odbc-postgresql")
    parts = f"Driver={driver};Server=127.0.0.1;Port={server.port};Database={server.database}"
    with pyodbc.connect(f"{parts};Uid={server.user};Pwd=x", autocommit=True) as connection:
        yield connection


def test_psqlodbc_lists_relations_and_columns(odbc, relations, columns):
    cursor = odbc.cursor()
    kinds = {"TABLE": "BASE TABLE", "VIEW": "VIEW"}
    found = {row.table_name: row.table_type for row in cursor.tables(schema="main")}
    assert {name: kinds[kind] for name, kind in found.items()} == relations
    for name in relations:
        rows = cursor.columns(table=name, schema="main").fetchall()
        assert [(row.column_name, bool(row.nullable)) for row in rows] == [
            (column, nullable) for column, _, nullable in columns[name]
        ], name


def test_psqlodbc_runs_functions(odbc, direct):
    cursor = odbc.cursor()
    one = direct.execute("select predict_hit(0.7, 0.8, 0.5, 120)").fetchone()[0]
    found = cursor.execute("select predict_hit(?, ?, ?, ?)", 0.7, 0.8, 0.5, 120.0).fetchone()
    assert found[0] == pytest.approx(one, rel=1e-12)
    rows = [tuple(row) for row in cursor.execute(HIT).fetchall()]
    assert [name for name, _ in rows] == [name for name, _ in direct.execute(HIT).fetchall()]
    songs = cursor.execute(f"select to_json({SONGS.removeprefix('select ')})").fetchone()[0]
    assert json.loads(songs) == direct.execute(SONGS).fetchall()[0][0]


# SQLAlchemy on psycopg2, as Superset uses it


@pytest.fixture(scope="module")
def inspector(server):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    url = f"postgresql+psycopg2://{server.user}@127.0.0.1:{server.port}/{server.database}"
    engine = sqlalchemy.create_engine(url)
    yield sqlalchemy.inspect(engine)
    engine.dispose()


def test_sqlalchemy_reflects_every_relation(inspector, relations, columns):
    assert inspector.default_schema_name == "main"
    assert set(inspector.get_schema_names()) - {"information_schema"} == SCHEMAS
    tables = {name: "BASE TABLE" for name in inspector.get_table_names(schema="main")}
    views = {name: "VIEW" for name in inspector.get_view_names(schema="main")}
    assert tables | views == relations
    for name in relations:
        found = [
            (column["name"], _reflected(column["type"]), column["nullable"])
            for column in inspector.get_columns(name, schema="main")
        ]
        expected = [
            (column, _sqlalchemy(kind), nullable) for column, kind, nullable in columns[name]
        ]
        assert found == expected, name


def _reflected(kind) -> str:
    return f"{kind.item_type!s}[]" if hasattr(kind, "item_type") else str(kind)


def _sqlalchemy(kind: str) -> str:
    names = {"DOUBLE": "DOUBLE PRECISION", "FLOAT": "REAL", "VARCHAR": "TEXT"}
    names |= {"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "HUGEINT": "NUMERIC"}
    if kind.endswith("[]"):
        return f"{_sqlalchemy(kind[:-2])}[]"
    return (
        kind.replace("DECIMAL", "NUMERIC").replace(",", ", ")
        if "(" in kind
        else names.get(kind, kind)
    )


def test_sqlalchemy_sees_comments(inspector, direct):
    comment = direct.execute(
        "select comment from duckdb_tables() where table_name = 'dim_tracks'"
    ).fetchone()[0]
    assert inspector.get_table_comment("dim_tracks", schema="main") == {"text": comment.strip()}
