"""The catalogs answer as a real PostgreSQL server with the same relations does.

The server logs what clients ask it. Each question is asked again on both sides, with the ids of one
side in place of those of the other, and the answers must be the same in every row and type.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from hitparade.serve.postgres.catalog.scanning import asks_catalog
from hitparade.serve.postgres.types import postgres_type
from tests.e2e import postgres
from tests.e2e.catalogs import Client, opened
from tests.warehouse import ROOT

psycopg = pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not postgres.is_installed(), reason="PostgreSQL 15 is not installed"),
]

JDBC = Path("/usr/share/java/postgresql.jar")  # Debian's libpostgresql-jdbc-java
# What psql shows about this file. Left out: what PostgreSQL has inside and DuckDB has not, such as
# \\dF (text search), \\dL (procedural languages), \\dx (extensions) and indexes of pg_catalog.
PSQL = r"""
\l
\dn
\dn+
\d
\d+
\dt *.*
\dt+ ml.*
\dv+ ml.*
\d dim_tracks
\d+ dim_tracks
\d fct_track_predictions
\d+ ml.champions
\d dim_tracks_pkey
\di+ ml.*
\ds
\dm
\df+
\df predict_hit
\du
\dT
\dT+
\dp ml.*
\dd
\dD
\dC
\dO
\ddp
\dRp
\dP
\dconfig search_path
"""
# Objects that only the server has: toast tables and further databases.
SERVER_ONLY = re.compile(r"pg_toast|^postgres$|^template\d$")
# Columns that cannot agree: sizes, definitions in the words of each database, and what may be
# written. The owner may do anything in PostgreSQL, and nothing here.
APART = {
    *("Size", "pg_get_viewdef", "definition", "view_definition", "is_updatable"),
    *("is_insertable_into", "xmin", "table_state_number", "version"),
}
# Without them, PostgreSQL shows no constraints of others' tables in information_schema.
AS_OWNER = re.compile("fields|keys")
IDS = """
select c.oid, 'relation ' || n.nspname || '.' || c.relname
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
union all
select t.oid, 'type ' || n.nspname || '.' || t.typname
from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = typnamespace
union all
select oid, 'schema ' || nspname from pg_catalog.pg_namespace
union all
select p.oid, 'function ' || proname || '(' || pg_get_function_arguments(p.oid) || ')'
from pg_catalog.pg_proc p where pronamespace <> 11
union all
select oid, 'key ' || conname from pg_catalog.pg_constraint where conrelid > 16383
union all
select oid, 'database ' || datname from pg_catalog.pg_database where datname = 'hitparade'
union all
select oid, 'role ' || rolname from pg_catalog.pg_roles where rolname = 'alice'
"""


class Sides:
    """PostgreSQL and the catalogs, which hold the same objects under different ids."""

    def __init__(self, folder: str, client: Client):
        address = f"host={folder} port={postgres.PORT} dbname=hitparade"
        self.folder = folder
        self.client = client
        self.user = psycopg.connect(f"{address} user={postgres.USER}", autocommit=True)
        self.owner = psycopg.connect(f"{address} user=hitparade", autocommit=True)
        rows = self.user.execute(IDS).fetchall()
        self.theirs = {int(oid): name for oid, name in rows if int(oid) >= 16384}
        self.ours = {oid: name for oid, name in client.rows(IDS) if oid >= 16383}

    def difference(self, sql: str, label: str = "") -> str | None:
        """What differs between the answers; None if nothing does."""
        connection = self.owner if AS_OWNER.search(label) else self.user
        cursor = connection.execute(sql.encode())
        names = [column.name for column in cursor.description]
        theirs = self._comparable(cursor.fetchall(), names, self.theirs)
        rewritten = self.client.rewritten(self._translated(sql))
        result = self.client.connection.execute(rewritten.sql)
        described = result.description
        ours = self._comparable(result.fetchall(), names, self.ours)
        shown = self.client.labels(rewritten.sql, [column[0] for column in described])
        if names != shown:
            return f"columns {names} {shown}"
        if theirs != ours:
            return f"only PostgreSQL {theirs - ours} only here {ours - theirs}"
        types = [column.type_code for column in cursor.description]
        known = rewritten.types or [None] * len(types)
        own = [
            one or postgres_type(str(column[1])).oid
            for one, column in zip(known, described, strict=True)
        ]
        apart = [row for row in zip(names, types, own, strict=True) if row[1] != row[2]]
        # A text is a text, and a number is a number.
        wrong = [
            row for row in apart if {row[1], row[2]} - {18, 19, 25, 1043} and {*row[1:]} != {20, 26}
        ]
        return f"types {wrong}" if wrong and len(theirs) else None

    def _translated(self, sql: str) -> str:
        own = {name: oid for oid, name in self.ours.items()}
        return re.sub(
            r"\b\d{5,}\b",
            lambda found: str(own.get(self.theirs.get(int(found[0])), found[0])),
            sql,
        )

    def _comparable(self, rows, names, ids) -> Counter:
        kept = [place for place, name in enumerate(names) if name not in APART]
        return Counter(
            repr([_comparable(row[place], ids) for place in kept])
            for row in rows
            if not any(isinstance(value, str) and SERVER_ONLY.search(value) for value in row)
            and not ("rolname" in names and row[names.index("rolname")] == "hitparade")
        )


def _comparable(value, ids):
    if isinstance(value, list):
        return [_comparable(member, ids) for member in value]
    if isinstance(value, str) and re.fullmatch(r"\{.*\}", value, re.DOTALL):
        return [_comparable(part.strip('"'), ids) for part in value[1:-1].split(",") if part]
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, str):
        return re.sub(r"\d{5,}", lambda found: str(ids.get(int(found[0]), found[0])), value)
    if isinstance(value, int) and not isinstance(value, bool):
        return ids.get(value, value)
    if isinstance(value, float | Decimal):
        return round(float(value), 3)
    return value


@pytest.fixture(scope="module")
def sides(warehouse):
    with postgres.server() as folder, opened(warehouse.database) as connection:
        _psql(folder, "postgres", "create database hitparade")
        _psql(folder, "hitparade", postgres.mirror(connection))
        found = Sides(folder, Client(connection))
        yield found
        found.user.close()
        found.owner.close()


def _psql(folder: str, database: str, script: str, user: str = "hitparade") -> None:
    address = ["-h", folder, "-p", str(postgres.PORT), "-U", user, "-d", database]
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=0", *address],
        **{"input": script, "text": True, "check": True, "capture_output": True},
        env={**os.environ, "PGOPTIONS": ""},
    )


def _asked(folder: str, since: int) -> list[str]:
    """The questions about the catalogs in the server's log, each once.

    Parameters become literals: what the catalogs do with parameters is tested elsewhere.
    """
    text = (Path(folder) / "log").read_text()[since:]
    found = re.findall(
        r"^@@LOG:  (?:statement|execute [^:]*): (.*?)\n(?:@@DETAIL:  parameters: (.*?)\n)?"
        r"(?=@@|\Z)",
        text,
        re.DOTALL | re.MULTILINE,
    )
    statements = [_inlined(sql.replace("\n\t", "\n"), values) for sql, values in found]
    return [sql for sql in dict.fromkeys(statements) if _is_question(sql)]


def _inlined(sql: str, parameters: str) -> str:
    values = dict(re.findall(r"\$(\d+) = (NULL|'(?:[^']|'')*')", parameters))
    return re.sub(r"\$(\d+)", lambda found: values.get(found[1], found[0]), sql.strip())


def _is_question(sql: str) -> bool:
    return bool(re.match(r"(?i)select|with", sql)) and asks_catalog(sql)


def test_the_same_objects_are_shown(sides):
    only = {
        name for name in {*sides.theirs.values()} ^ {*sides.ours.values()} if "pg_toast" not in name
    }
    assert only == set()


QUERIES = re.split(r"(?m)^(?=-- \w[^\n]*: )", (ROOT / "tests/e2e/catalog_queries.sql").read_text())[
    1:
]


@pytest.mark.parametrize("query", QUERIES, ids=[query.partition("\n")[0] for query in QUERIES])
def test_a_tools_question_has_the_same_answer(sides, query):
    label, _, sql = query.partition("\n")
    assert sides.difference(sql.strip().rstrip(";"), label) is None


def test_psql_shows_the_same(sides):
    since = (Path(sides.folder) / "log").stat().st_size
    _psql(sides.folder, "hitparade", PSQL, user=postgres.USER)
    asked = _asked(sides.folder, since)
    assert len(asked) > 40
    assert _differences(sides, asked) == {}


def test_sqlalchemy_reflects_the_same(sides):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg2")
    since = (Path(sides.folder) / "log").stat().st_size
    address = f"postgresql+psycopg2://{postgres.USER}@/hitparade?host={sides.folder}"
    inspector = sqlalchemy.inspect(sqlalchemy.create_engine(f"{address}&port={postgres.PORT}"))
    for schema in inspector.get_schema_names():
        inspector.get_table_names(schema=schema)
        inspector.get_view_names(schema=schema)
    for schema in ("main", "ml"):
        for what in ("columns", "pk_constraint", "foreign_keys", "indexes", "table_comment"):
            getattr(inspector, f"get_multi_{what}")(schema=schema)
    asked = _asked(sides.folder, since)
    assert len(asked) > 20
    assert _differences(sides, asked) == {}


@pytest.mark.skipif(
    not (JDBC.is_file() and shutil.which("java")), reason="the JDBC driver is not installed"
)
def test_jdbc_metadata_is_the_same(sides):
    since = (Path(sides.folder) / "log").stat().st_size
    address = f"jdbc:postgresql://localhost:{postgres.PORT}/hitparade?user={postgres.USER}"
    program = ROOT / "tests/e2e/clients/Catalogs.java"
    subprocess.run(["java", "-cp", str(JDBC), str(program), address], check=True)
    asked = _asked(sides.folder, since)
    assert len(asked) > 15
    assert _differences(sides, asked) == {}


def _differences(sides: Sides, asked: list[str]) -> dict[str, str]:
    found = {sql: sides.difference(sql) for sql in asked}
    return {sql: difference for sql, difference in found.items() if difference}
