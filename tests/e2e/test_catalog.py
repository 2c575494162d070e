"""The catalogs of the finished warehouse; what is expected comes from DuckDB's own functions."""

import contextlib
import time

import duckdb
import pytest

from hitparade.serve.postgres import catalog
from tests.e2e.catalogs import SCHEMAS, SESSION, Client, opened

TYPES = {
    "BIGINT": "int8",
    "BLOB": "bytea",
    "BOOLEAN": "bool",
    "DATE": "date",
    "DOUBLE": "float8",
    "FLOAT": "float4",
    "INTEGER": "int4",
    "TIMESTAMP": "timestamp",
    "VARCHAR": "text",
    "BOOLEAN[]": "_bool",
    "DOUBLE[]": "_float8",
    "FLOAT[]": "_float4",
    "INTEGER[]": "_int4",
    "VARCHAR[]": "_text",
}
SHOWN = ", ".join(f"'{schema}'" for schema in SCHEMAS)


@pytest.fixture(scope="module")
def connection(warehouse):
    with opened(warehouse.database) as made:
        yield made


@pytest.fixture(scope="module")
def client(connection):
    return Client(connection)


@pytest.fixture
def duckdb_says(connection):
    return lambda sql: connection.execute(sql).fetchall()


def test_each_column_has_its_place_type_and_nullability(client, duckdb_says):
    expected = [
        (
            *(schema, table, column, place),
            TYPES.get(of, "json"),
            not nullable,
        )
        for schema, table, column, place, of, nullable in duckdb_says(
            "select schema_name, table_name, column_name,"
            " row_number() over (partition by schema_name, table_name order by column_index),"
            " data_type, is_nullable from duckdb_columns()"
            f" where database_name = 'hitparade' and schema_name in ({SHOWN}) order by 1, 2, 4"
        )
    ]
    assert expected
    assert expected == client.rows(
        "SELECT n.nspname, c.relname, a.attname, a.attnum, t.typname, a.attnotnull"
        " FROM pg_catalog.pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        " AND c.relkind IN ('r', 'v') AND a.attnum > 0 ORDER BY 1, 2, 4"
    )
    assert expected == client.rows(
        "SELECT table_schema, table_name, column_name, ordinal_position, udt_name,"
        " is_nullable = 'NO' FROM information_schema.columns"
        " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2, 4"
    )


def test_tables_are_tables_and_views_are_views(client, duckdb_says):
    tables = duckdb_says(
        "select schema_name, table_name, 'BASE TABLE', comment from duckdb_tables()"
        f" where database_name = 'hitparade' and schema_name in ({SHOWN})"
    )
    views = duckdb_says(
        "select schema_name, view_name, 'VIEW', comment from duckdb_views()"
        f" where database_name = 'hitparade' and schema_name in ({SHOWN})"
    )
    expected = sorted(
        (*relation, comment.rstrip("\n") if comment else None)
        for *relation, comment in tables + views
    )
    assert expected == sorted(
        client.rows(
            "SELECT table_schema, table_name, table_type,"
            " obj_description((quote_ident(table_schema) || '.' || quote_ident(table_name))"
            "::regclass, 'pg_class') FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
    )


def test_comments_of_columns_are_the_descriptions(client, duckdb_says):
    expected = [
        (name, comment.rstrip("\n") if comment else None)
        for name, comment in duckdb_says(
            "select column_name, comment from duckdb_columns()"
            " where database_name = 'hitparade' and schema_name = 'main'"
            " and table_name = 'dim_tracks' order by column_index"
        )
    ]
    assert any(comment for _, comment in expected)
    assert expected == client.rows(
        "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = 'dim_tracks'::regclass AND attnum > 0 ORDER BY attnum"
    )


def test_the_estimated_number_of_rows_is_that_of_duckdb(client, duckdb_says):
    ((expected,),) = duckdb_says("select count(*) from main.dim_tracks")
    sql = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'main.dim_tracks'::regclass"
    assert client.value(sql) == expected


def test_each_function_has_its_arguments_and_its_comment(client, duckdb_says):
    expected = duckdb_says(
        "select function_name, parameters, comment from duckdb_functions()"
        " where not internal and database_name = 'hitparade' order by all"
    )
    assert expected
    assert sorted(expected, key=repr) == sorted(
        client.rows(
            "SELECT proname, proargnames, obj_description(p.oid, 'pg_proc') FROM pg_proc p"
            " WHERE pronamespace = 'main'::regnamespace"
        ),
        key=repr,
    )


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        (
            "predict_hit",
            "danceability double precision, energy double precision, valence double precision,"
            " tempo double precision",
            "double precision",
        ),
        ("predict_hit", "t record", "double precision"),
        ("check_features", "model_id text, features double precision[]", "text[]"),
        ("similar_tracks", "track text, k bigint", "json"),
    ],
)
def test_a_function_has_the_types_of_its_arguments_and_of_its_result(
    client, name, arguments, result
):
    found = client.rows(
        "SELECT pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc"
        f" WHERE proname = '{name}'"
    )
    assert (arguments, result) in found


def test_the_types_of_arguments_agree_with_the_declared_ones_where_both_are_known(client):
    found = client.rows(
        "SELECT parameter_name, data_type FROM information_schema.parameters p"
        " WHERE specific_schema = 'main' AND specific_name LIKE 'predict\\_popularity\\_%'"
    )
    types = dict(found)
    assert types["duration_ms"] == "double precision"
    assert types["explicit"] == types["is_single"] == "boolean"
    assert types["genres"] == "ARRAY"


def test_what_is_in_other_schemas_is_not_shown(warehouse):
    with opened(warehouse.database, ["main"]) as connection:
        client = Client(connection)
        for sql in (
            "SELECT nspname FROM pg_namespace",
            "SELECT schema_name FROM information_schema.schemata",
            "SELECT DISTINCT schemaname FROM pg_tables",
            "SELECT DISTINCT schemaname FROM pg_views",
            "SELECT DISTINCT table_schema FROM information_schema.columns",
            "SELECT DISTINCT table_schema FROM information_schema.table_privileges",
            "SELECT DISTINCT schemaname FROM pg_stat_user_tables",
        ):
            shown = {name for (name,) in client.rows(sql)}
            assert shown <= {"main", "pg_catalog", "information_schema"}, sql
        assert client.rows("SELECT relname FROM pg_class WHERE relname = 'champions'") == []
        assert client.value("SELECT to_regclass('ml.champions')") is None


def test_ids_are_the_same_whenever_the_file_is_opened(client, warehouse):
    questions = [
        "SELECT relname, oid, reltype FROM pg_class ORDER BY 2",
        "SELECT nspname, oid FROM pg_namespace ORDER BY 2",
        "SELECT proname, oid FROM pg_proc ORDER BY 2",
        "SELECT datname, oid FROM pg_database ORDER BY 2",
    ]
    with opened(warehouse.database) as connection:
        again = Client(connection)
        for sql in questions:
            rows = client.rows(sql)
            assert rows == again.rows(sql)
            assert len({row[1] for row in rows}) == len(rows)


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "from dim_tracks select track_name limit 3",
        "select predict_hit(t) from dim_tracks as t",
        "select * exclude (genres) from dim_tracks",
        "select 'pg_class', \"version\" from (select 1 as version)",
        "select 1 -- pg_class",
        "select list_transform([1], lambda x: x + 1)",
        "select $$information_schema$$",
        "select version from ml.model_versions",
        "select pg_typeof(1)",
        "summarize dim_tracks",
    ],
)
def test_a_statement_that_asks_nothing_of_the_catalogs_is_left_alone(sql):
    assert catalog.rewrite(sql, SESSION) is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT current_user", "alice"),
        ("SELECT user", "alice"),
        ("SELECT current_database()", "hitparade"),
        ("SELECT current_catalog", "hitparade"),
        ("SELECT current_schema()", "main"),
        ("SELECT current_schemas(true)", ["pg_catalog", "main"]),
        ("SELECT pg_backend_pid()", 42),
        ("SELECT 26::oid", 26),
        ("SELECT 'a'::name", "a"),
        ("VALUES (current_user);", "alice"),
        ("TABLE information_schema.information_schema_catalog_name", "hitparade"),
        ("SELECT current_setting('server_version_num')::int / 100", 1500),
        ("SELECT current_setting('nothing', true)", None),
        ("SELECT split_part(version(), ' ', 2)", "15.18"),
        ("SELECT setting FROM pg_settings WHERE name = 'TimeZone'", "UTC"),
        ("SELECT count(*) FROM pg_roles WHERE rolname = current_user", 1),
        ("SELECT usename FROM pg_stat_activity WHERE pid = pg_backend_pid()", "alice"),
        ("SELECT 'int4'::regtype::oid", 23),
        ("SELECT 'pg_catalog.int8'::regtype", "bigint"),
        ("SELECT 1009::regtype::text", "text[]"),
        ("SELECT 'ml.champions'::regclass::text", "ml.champions"),
        ("SELECT 'dim_tracks'::regclass", "dim_tracks"),
        ("SELECT 'pg_class'::regclass::oid", 1259),
        ("SELECT to_regclass('nothing')", None),
        ("SELECT format_type(1700, 655366)", "numeric(10,2)"),
        (
            "SELECT pg_catalog.format_type(oid, NULL) FROM pg_type WHERE oid = 1184",
            "timestamp with time zone",
        ),
        ("SELECT quote_ident('select') || quote_ident('a') || quote_ident('B')", '"select"a"B"'),
        (
            "SELECT format('%I.%L', 'A', 'b') || current_user"
            " FROM pg_namespace WHERE nspname = 'main'",
            "\"A\".'b'alice",
        ),
        ("SELECT has_table_privilege('dim_tracks', 'SELECT')", True),
        ("SELECT has_table_privilege(current_user, 'dim_tracks', 'INSERT, UPDATE')", False),
        ("SELECT has_schema_privilege('main', 'CREATE')", False),
        ("SELECT pg_encoding_to_char(encoding) FROM pg_database", "UTF8"),
        ("SELECT count(*) FROM pg_class WHERE oid = ANY('{1259,1247}'::oid[])", 2),
        ("SELECT count(*) FROM pg_type WHERE typname LIKE ANY (ARRAY['int_', 'bool'])", 4),
        (
            "SELECT relname FROM pg_class WHERE oid = '1259' AND relname "
            "OPERATOR(pg_catalog.~) '^(pg_class)$' COLLATE pg_catalog.default",
            "pg_class",
        ),
        (
            "SELECT count(*) FROM pg_catalog.pg_am WHERE amname !~* 'HEAP' AND amtype = "
            "'t'::\"char\"",
            0,
        ),
        ("SELECT (information_schema._pg_expandarray(ARRAY[7])).n", 1),
        (
            "SELECT typname FROM pg_type WHERE typinput = 'pg_catalog.array_in'::regproc AND "
            "typelem = 25",
            "_text",
        ),
        (
            "SELECT privilege_type FROM pg_class c, aclexplode(c.relacl) a WHERE relname = "
            "'dim_tracks' AND grantee = 0",
            "SELECT",
        ),
        ("SELECT c.tableoid::regclass FROM pg_class c WHERE c.oid = 1259", "pg_class"),
        (
            "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3) "
            "SELECT count(*) FROM up, pg_am WHERE amname = 'heap'",
            3,
        ),
        ("SELECT e'it\\'s ' || current_user", "it's alice"),
        ("SELECT count(*) FROM pg_class WHERE relname LIKE 'pg\\_c%s'", 2),
        (
            "SELECT count(*) FROM pg_class WHERE relname NOT LIKE '%' OR relname ILIKE "
            "E'PG\\\\_CLAS_'",
            1,
        ),
        ("SELECT count(*) FROM pg_cast WHERE castsource = 20 AND casttarget = 23", 1),
    ],
)
def test_a_question_has_the_answer_of_postgresql(client, sql, expected):
    assert client.value(sql) == expected


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        ("SELECT typname FROM pg_type WHERE oid = $1", [23], "int4"),
        ("SELECT typname FROM pg_type WHERE oid = $1", ["23"], "int4"),
        ("SELECT count(*) FROM pg_type WHERE oid = ANY($1::oid[])", [[20, 21]], 2),
        ("SELECT count(*) FROM pg_type WHERE oid = ANY($1::oid[])", ["{20,21}"], 2),
        ("SELECT count(*) FROM pg_type WHERE typname = ANY($1)", [["text"]], 1),
        ("SELECT count(*) FROM pg_type WHERE typname = ANY($1)", ["{text,int8}"], 2),
        ("SELECT $1::regclass::oid", ["pg_type"], 1247),
    ],
)
def test_parameters_are_kept(client, sql, parameters, expected):
    assert client.value(sql, *parameters) == expected


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("current_database()", "current_database"),
        ("pg_catalog.format_type(oid, NULL)", "format_type"),
        ("oid::text", "oid"),
        ("'a'::name", "name"),
        ("1::int", "int4"),
        ("1", "?column?"),
        ("count(*)", "count"),
        ("count(*) FILTER (WHERE true)", "count"),
        ("rank() OVER (ORDER BY oid)", "rank"),
        ("coalesce(typname, 'a')", "coalesce"),
        ("CASE WHEN true THEN 1 END", "case"),
        ("CASE WHEN true THEN typlen ELSE typelem END", "typelem"),
        ("ARRAY(SELECT 1)", "array"),
        ("(SELECT amname FROM pg_am LIMIT 1)", "amname"),
        ("trim(typname)", "btrim"),
        ("TYPNAME", "typname"),
        ("typname AS Kind", "kind"),
        ('typname AS "Kind"', "Kind"),
        ("user", "user"),
    ],
)
def test_a_result_column_has_the_name_that_postgresql_gives(client, expression, name):
    sql = f"SELECT {expression} FROM pg_type GROUP BY ALL LIMIT 1"
    sql = sql.replace(" GROUP BY ALL", "") if "count" not in expression else sql
    assert client.names(sql) == [name]


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT oid, relname, relkind, relnatts, relacl FROM pg_class", [26, 19, 18, 21, 1034]),
        ("SELECT c.oid FROM (SELECT * FROM pg_class) c", [26]),
        ("WITH c AS (SELECT oid AS id FROM pg_class) SELECT id, 1 FROM c", [26, None]),
        ("SELECT indkey, indclass FROM pg_index", [22, 30]),
        ("SELECT typinput FROM pg_type", [24]),
        ("SELECT 'pg_class'::regclass, 1::oid, 'a'::name", [2205, 26, 19]),
        ("SELECT table_name, ordinal_position FROM information_schema.columns", [19, 23]),
        ("SELECT array_agg(relname) FROM pg_class", [1003]),
        ("SELECT conkey, conkey[1] FROM pg_constraint", [1005, 21]),
        ("SELECT a.oid FROM pg_am a UNION ALL SELECT b.oid FROM pg_class b", [26]),
        ("SELECT current_user, current_schemas(false)", [19, 1003]),
    ],
)
def test_results_have_the_types_of_postgresql(client, sql, types):
    assert list(client.rewritten(sql).types) == types


def test_a_vector_is_a_text_with_spaces(client):
    sql = "SELECT proargtypes FROM pg_proc WHERE proname = 'predict_hit' AND pronargs = 4"
    assert client.value(sql) == "701 701 701 701"
    ((row,),) = client.rows(sql.replace("proargtypes", "proargtypes[1]"))
    assert row == 701


@pytest.mark.parametrize(
    ("sql", "missing", "code"),
    [
        ("SELECT * FROM pg_nothing", "pg_nothing", "42P01"),
        ("SELECT * FROM pg_catalog.nothing", "pg_catalog.nothing", "42P01"),
        ("SELECT * FROM information_schema.nothing", "information_schema.nothing", "42P01"),
        ("SELECT * FROM other.pg_catalog.pg_class", "other", "0A000"),
        ("SELECT pg_nothing(1)", "pg_nothing", "42883"),
        ("SELECT information_schema.nothing(1)", "information_schema.nothing", "42883"),
        ("SELECT current_setting('nothing')", "nothing", "42704"),
        ("SELECT oid::nothing FROM pg_class", "nothing", "42704"),
        ("SELECT oid FROM pg_class WHERE (", "read", "42601"),
        ("SELECT oid FROM pg_class" + " " * 100_000, "too long", "54000"),
        ("SELECT oid INTO copies FROM pg_class", "read-only", "25006"),
        (
            "WITH x AS (DELETE FROM y RETURNING z) SELECT * FROM x, pg_class",
            "read-only",
            "25006",
        ),
        ("SELECT oid FROM pg_class; SELECT 1", "one statement", "42601"),
        ("SELECT oid FROM pg_class WHERE " + "(" * 10_000 + "true", "nested", "54001"),
    ],
)
def test_an_error_names_what_is_missing(sql, missing, code):
    with pytest.raises(catalog.CatalogError, match=missing) as error:
        catalog.rewrite(sql, SESSION)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("sql", "missing"),
    [
        ("SELECT 'main.nothing'::regclass", "main.nothing"),
        ("SELECT 'nothing'::regtype", "nothing"),
        ("SELECT nothing FROM pg_class", "nothing"),
        ("SELECT nothing(oid) FROM pg_class", "nothing"),
    ],
)
def test_an_error_of_duckdb_names_what_is_missing(client, sql, missing):
    with pytest.raises(duckdb.Error, match=missing):
        client.rows(sql)


def test_catalogs_and_tables_can_be_joined(client, duckdb_says):
    ((tracks,),) = duckdb_says("select count(*) from main.dim_tracks")
    sql = "SELECT count(*) FROM main.dim_tracks d, pg_am a WHERE a.amname = 'heap'"
    assert client.value(sql) == tracks


def test_the_search_path_of_the_session_decides_what_is_visible(connection):
    session = catalog.Session("alice", "hitparade", settings={"search_path": "nothing, ml"})
    client = Client(connection, session)
    assert client.value("SELECT current_schema()") == "ml"
    assert client.value("SELECT current_schemas(false)") == ["ml"]
    assert client.value("SELECT 'champions'::regclass::text") == "champions"
    assert client.value("SELECT 'main.dim_tracks'::regclass::text") == "main.dim_tracks"
    visible = "SELECT pg_table_is_visible(oid) FROM pg_class WHERE relname = 'dim_tracks'"
    assert client.value(visible) is False


def test_every_relation_of_postgresql_can_be_read(client):
    for (name,) in client.rows(
        "SELECT n.nspname || '.' || relname FROM pg_class c JOIN pg_namespace n"
        " ON n.oid = relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema')"
    ):
        client.rows(f"SELECT * FROM {name} LIMIT 1")


@pytest.mark.parametrize("piece", ["/* ", "$a$ $b$ ", "'", "E'\\\\", '"', "(", "[1]", "not "])
def test_a_long_statement_takes_no_long_time(piece):
    started = time.process_time()
    with contextlib.suppress(catalog.CatalogError):
        catalog.rewrite("select pg_class " + piece * (30_000 // len(piece)), SESSION)
    assert time.process_time() - started < 5


def test_settings_that_a_statement_assigns_are_known():
    sql = "SELECT pg_catalog.set_config('Search_Path', 'ml', false), set_config('jit', 'off', true)"
    assert catalog.assignments(sql) == [("search_path", "ml", False), ("jit", "off", True)]
    assert catalog.assignments("SELECT $$set_config('jit', 'off', true)$$") == []
