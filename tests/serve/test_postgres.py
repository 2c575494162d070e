"""PostgreSQL's protocol: types, parameters, prepared statements, cursors, transactions, limits."""

import asyncio
import datetime
import decimal
import threading
import time
import uuid
import zoneinfo

import asyncpg
import duckdb
import psycopg
import pytest

import udfs
from hitparade.serve.postgres import connection as connection_module
from hitparade.serve.postgres import portals, session, settings
from hitparade.serve.postgres import server as postgres_server

SLOW = "select count(*) from range(10000000) a(i), range(10000000) b(j) where i + j = -1"
# DuckDB's expression, and what a client reads.
VALUES = [
    ("true", True),
    ("1::tinyint", 1),
    ("200::utinyint", 200),
    ("1::smallint", 1),
    ("2::integer", 2),
    ("3::bigint", 3),
    ("4000000000::uinteger", 4_000_000_000),
    ("18446744073709551615::ubigint", decimal.Decimal("18446744073709551615")),
    ("-170141183460469231731687303715884105727::hugeint", decimal.Decimal(-(2**127) + 1)),
    ("1.50::decimal(9, 2)", decimal.Decimal("1.50")),
    ("-0.0001::decimal(18, 4)", decimal.Decimal("-0.0001")),
    ("0.5::float", 0.5),
    ("0.1::double", 0.1),
    ("1e300::double", 1e300),
    ("100000::double", 100000.0),
    ("'infinity'::double", float("inf")),
    ("'ü \"x\" \\ \n'", 'ü "x" \\ \n'),
    ("''", ""),
    ("'a'::enum ('a', 'b')", "a"),
    ("'\\x00a'::blob", b"\x00a"),
    ("date '2024-02-29'", datetime.date(2024, 2, 29)),
    ("time '10:11:12.5'", datetime.time(10, 11, 12, 500_000)),
    ("timestamp '2024-02-29 10:11:12.5'", datetime.datetime(2024, 2, 29, 10, 11, 12, 500_000)),
    ("'2024-02-29 10:11:12'::timestamp_s", datetime.datetime(2024, 2, 29, 10, 11, 12)),
    ("'2024-02-29 10:11:12.5'::timestamp_ns", datetime.datetime(2024, 2, 29, 10, 11, 12, 500_000)),
    (
        "timestamptz '2024-02-29 10:11:12+02'",
        datetime.datetime(2024, 2, 29, 8, 11, 12, tzinfo=zoneinfo.ZoneInfo("UTC")),
    ),
    ("interval (3) day + interval (90) minute", datetime.timedelta(days=3, minutes=90)),
    ("interval (-1) hour", datetime.timedelta(hours=-1)),
    ("'00000000-0000-0000-0000-000000000005'::uuid", uuid.UUID(int=5)),
    ("[1, null, 3]", [1, None, 3]),
    ("[]::varchar[]", []),
    ("['a b', null, 'null', '', '{\"', 'c,d']", ["a b", None, "null", "", '{"', "c,d"]),
    ("[1.5, 2]::double[2]", [1.5, 2.0]),
    ("{'a': 1, 'b': [true]}", {"a": 1, "b": [True]}),
    ("[{'a': 1}, null]", [{"a": 1}, None]),
    ("[[1], [2, 3]]", [[1], [2, 3]]),
    ("map {'a': 1}", {"a": 1}),
    ("'{\"a\": [1]}'::json", {"a": [1]}),
    ("'abc'::variant", "abc"),
    ("time '10:00:00.12'", datetime.time(10, 0, 0, 120_000)),
    ("null", None),
    ("null::integer[]", None),
]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[sql for sql, _ in VALUES])
def test_every_type_of_duckdb_arrives_as_itself(client, expression, expected, binary):
    row = client.cursor(binary=binary).execute(f"select {expression}").fetchone()
    assert row == (expected,)
    assert type(row[0]) is type(expected)


def test_a_32_bit_number_is_written_with_its_own_digits(client):
    assert client.execute("select 0.1::float").pgresult.get_value(0, 0) == b"0.1"


def test_months_of_an_interval_are_kept(client):
    found = client.execute("select (interval (14) month + interval (2) day)::varchar").fetchone()
    assert found == ("1 year 2 months 2 days",)
    with client.cursor() as cursor:
        shown = cursor.execute("select interval (14) month + interval (2) day")
        assert shown.pgresult.get_value(0, 0) == b"1 year 2 mons 2 days"


PARAMETERS = [
    *(True, 1, 2**40, 2.5, "text", "", "O'Neill; --", None, b"\x00\xff", decimal.Decimal("1.25")),
    *(datetime.date(2024, 2, 29), datetime.time(1, 2, 3), datetime.datetime(2024, 2, 29, 1, 2)),
    datetime.datetime(2024, 2, 29, 1, 2, tzinfo=datetime.UTC),
    *(uuid.UUID(int=7), [1, 2], [1.5], [True, False], datetime.timedelta(days=1, hours=2)),
]


@pytest.mark.parametrize("form", ["t", "b"], ids=["text", "binary"])
@pytest.mark.parametrize("value", PARAMETERS, ids=[repr(value) for value in PARAMETERS])
def test_a_parameter_comes_back_as_it_was_sent(client, value, form):
    assert client.execute(f"select %{form}", (value,)).fetchone() == (value,)


def test_a_list_of_texts_finds_rows_by_any(client):
    """The form that psycopg's documentation recommends."""
    keys = [row[0] for row in client.execute("select track_id from dim_tracks order by 1 limit 3")]
    query = "select track_id from dim_tracks where track_id = any(%s) order by 1"
    assert [row[0] for row in client.execute(query, (keys,))] == keys


def test_a_number_of_any_length_is_a_parameter(client):
    number = decimal.Decimal(10**37 + 1)
    for form in ("%t", "%b"):
        assert client.execute(f"select {form}::hugeint", (number,)).fetchone() == (number,)


def test_dates_that_python_lacks_arrive_as_texts(client):
    shown = client.execute("select '44-03-15 (BC)'::date, timestamp '290000-01-01'").pgresult
    assert (shown.get_value(0, 0), shown.get_value(0, 1)) == (
        b"0044-03-15 BC",
        b"290000-01-01 00:00:00",
    )


@pytest.mark.parametrize("depth", [900, 5000])
def test_deep_nesting_is_refused_with_a_reason(client, depth):
    with pytest.raises(psycopg.Error, match=r"nested|recursion|depth|stack"):
        client.execute("select " + "not " * depth + "true")
    assert client.execute("select 1").fetchone() == (1,)


def test_a_text_parameter_takes_the_type_that_its_place_asks_for(client):
    by_number = client.execute("select count(*) from dim_tracks where popularity > 50").fetchone()
    by_text = client.execute("select count(*) from dim_tracks where popularity > %s", ("50",))
    assert by_text.fetchone() == by_number
    assert client.execute("select %s::varchar[]", (["a", 'b "c"'],)).fetchone() == (["a", 'b "c"'],)


def test_a_list_of_texts_is_an_argument_without_a_cast(client):
    """psycopg declares no type for a list of texts: the function tells it."""
    uri = client.execute("select min(track_uri) from fct_track_vectors").fetchone()[0]
    by_text = client.execute(f"select next_songs(['{uri}', 'none'], 3)").fetchall()
    assert client.execute("select next_songs(%s, 3)", ([uri, "none"],)).fetchall() == by_text
    assert (
        client.execute("select next_songs(%s, k := %s)", ([uri, "none"], 3)).fetchall() == by_text
    )
    usual = client.execute("select next_songs([]::varchar[], 3)").fetchall()
    assert by_text != usual


def test_a_wrong_parameter_is_an_error(client):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        client.execute("select %s::integer", ("one",))
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="malformed array"):
        client.execute("select %s::integer[]", ("{1",))
    with pytest.raises(psycopg.Error, match="Values were not provided"):
        client.execute("select $1")
    assert client.execute("select 1").fetchone() == (1,)


def test_functions_answer_as_they_do_in_the_file(client, warehouse):
    sql = """
        select track_id, predict_hit(t), predict_tier(t), predict_popularity(t), explain_hit(t)
        from (from dim_tracks order by track_id limit 50) t
    """
    with duckdb.connect(warehouse.database, read_only=True) as direct:
        udfs.register(direct)
        expected = direct.execute(sql).fetchall()
    assert client.execute(sql).fetchall() == expected


def test_a_statement_is_prepared_once_and_run_with_several_parameters(client):
    sql = "select predict_hit(%s, 0.8, 0.5, 120)"
    found = [client.execute(sql, (each / 10,), prepare=True).fetchone()[0] for each in range(8)]
    expected = client.execute(
        "select predict_hit(i / 10, 0.8, 0.5, 120) from range(8) r(i)"
    ).fetchall()
    assert found == [row[0] for row in expected]


def test_a_described_statement_tells_parameters_and_columns(server):
    async def described():
        connection = await asyncpg.connect(**_asyncpg(server))
        prepared = await connection.prepare(
            "select $1::double + 1 as a, $2::varchar[] as b, $3 as c, $4::decimal(9, 2) as d"
        )
        answer = await prepared.fetchrow(0.5, ["x"], "y", decimal.Decimal("1.5"))
        names = [parameter.name for parameter in prepared.get_parameters()]
        columns = [(column.name, column.type.name) for column in prepared.get_attributes()]
        await connection.close()
        return names, columns, tuple(answer)

    names, columns, answer = asyncio.run(described())
    assert names == ["float8", "text[]", "text", "numeric"]
    assert columns == [("a", "float8"), ("b", "text[]"), ("c", "text"), ("d", "numeric")]
    assert answer == (1.5, ["x"], "y", decimal.Decimal("1.50"))


def test_a_function_tells_the_types_of_its_parameters(server):
    async def answered():
        connection = await asyncpg.connect(**_asyncpg(server))
        hit = await connection.fetchval("select predict_hit($1, $2, $3, $4)", 0.7, 0.8, 0.5, 120)
        songs = await connection.fetch("select next_songs($1, $2)", ["spotify:track:none"], 3)
        await connection.close()
        return hit, len(songs)

    hit, songs = asyncio.run(answered())
    assert [(hit,)] == server.query("select predict_hit(0.7, 0.8, 0.5, 120)")
    assert songs >= 1


def test_asyncpg_reads_lists_whose_types_it_asks_for(server):
    sql = "select [1.5]::decimal(9, 2)[], ['00000000-0000-0000-0000-000000000005'::uuid]"

    async def answered():
        connection = await asyncpg.connect(**_asyncpg(server))
        row = await connection.fetchrow(sql)
        await connection.close()
        return tuple(row)

    assert asyncio.run(answered()) == ([decimal.Decimal("1.50")], [uuid.UUID(int=5)])


def _asyncpg(server) -> dict:
    return {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "database": server.database,
    }


def test_columns_have_the_names_that_postgresql_gives_them(client):
    cursor = client.execute(
        "select predict_hit(t), energy, 1, energy as e, 1::int from dim_tracks t"
    )
    names = [column.name for column in cursor.description]
    assert names == ["predict_hit", "energy", "?column?", "e", "integer"]


@pytest.mark.parametrize("columns", ["1", "1, 'a', [1]", "*"])
def test_a_result_without_rows_has_its_columns(client, columns):
    cursor = client.execute(f"select {columns} from dim_tracks where false")
    assert cursor.description
    assert cursor.fetchall() == []


def test_a_large_result_arrives_whole_and_in_order(client):
    rows = client.execute("select i, i::varchar from range(100000) r(i)").fetchall()
    assert rows == [(each, str(each)) for each in range(100_000)]


def test_pipelined_statements_are_answered_in_order(client):
    with client.pipeline():
        cursors = [client.execute("select %s::integer", (each,)) for each in range(20)]
    assert [cursor.fetchone() for cursor in cursors] == [(each,) for each in range(20)]


def test_statements_of_one_text_are_answered_one_after_the_other(client):
    cursor = client.execute("select 1; select ';' as b; -- the end; \n select 3")
    found = [cursor.fetchall()]
    while cursor.nextset():
        found.append(cursor.fetchall())
    assert found == [[(1,)], [(";",)], [(3,)]]


def test_an_empty_statement_is_no_error(client):
    for text in ("", ";", " -- nothing", "/* nothing */;"):
        assert client.execute(text).description is None


@pytest.mark.parametrize("hold", [False, True])
def test_a_cursor_gives_its_rows_in_parts(server, hold):
    with psycopg.connect(**server.address()) as connection:
        cursor = connection.cursor("some", withhold=hold)
        cursor.execute("select i from range(%s) r(i)", (2500,))
        first = cursor.fetchmany(10)
        if hold:
            connection.commit()
        rest = cursor.fetchall()
        assert [row[0] for row in first + rest] == list(range(2500))


def test_more_cursors_than_workers_are_open_at_the_same_time(server):
    with psycopg.connect(**server.address()) as connection:
        cursors = [connection.cursor(f"cursor {number}") for number in range(5)]
        for cursor in cursors:
            cursor.execute("select i from range(5000) r(i)")
        parts = [cursor.fetchmany(3) for cursor in cursors for _ in range(3)]
        assert [row[0] for part in parts for row in part] == list(range(9)) * 5
        assert [len(cursor.fetchall()) for cursor in cursors] == [4991] * 5


def test_a_cursor_only_goes_forward_and_ends_with_its_transaction(server):
    with psycopg.connect(**server.address()) as connection:
        connection.execute("declare c cursor for select i from range(9) r(i)")
        assert connection.execute("fetch 2 from c").fetchall() == [(0,), (1,)]
        assert connection.execute("move 3 in c").statusmessage == "MOVE 3"
        assert connection.execute("fetch next from c").fetchall() == [(5,)]
        assert connection.execute("fetch all c").fetchall() == [(6,), (7,), (8,)]
        assert connection.execute("fetch c").fetchall() == []
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("fetch prior from c")
        connection.rollback()
        with pytest.raises(psycopg.errors.InvalidCursorName):
            connection.execute("fetch c")


def test_an_idle_cursor_holds_no_worker(server):
    """The server has two workers; three clients keep a cursor open and do nothing."""
    idle = [psycopg.connect(**server.address()) for _ in range(3)]
    try:
        for connection in idle:
            connection.execute("declare c cursor for select i from range(100000) r(i)")
            connection.execute("fetch 1 from c")
        assert server.query("select 1") == [(1,)]
        assert [len(connection.execute("fetch all from c").fetchall()) for connection in idle] == [
            99_999
        ] * 3
    finally:
        for connection in idle:
            connection.close()


def test_an_error_after_the_rows_that_wait_is_told(server):
    """The rows of an idle cursor move to a file: an error meanwhile must not end them silently."""
    sql = "select case when i = 400000 then error('late') else i end from range(900000) r(i)"
    with psycopg.connect(**server.address()) as connection:
        connection.execute(f"declare c cursor for {sql}")
        assert len(connection.execute("fetch 10 from c").fetchall()) == 10
        assert connection.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.Error, match="late"):
            for _ in range(20):
                assert len(connection.execute("fetch 30000 from c").fetchall()) == 30_000


def test_the_time_of_the_client_is_not_that_of_the_statement(server):
    """As in PostgreSQL: a program may think between two FETCH."""
    with psycopg.connect(**server.address()) as connection:
        connection.execute("set statement_timeout = '300ms'")
        connection.execute("declare c cursor for select i from range(100000) r(i)")
        assert len(connection.execute("fetch 10 from c").fetchall()) == 10
        time.sleep(0.6)
        assert len(connection.execute("fetch 2000 from c").fetchall()) == 2000
        time.sleep(0.6)
        connection.commit()  # ends the cursor


def test_clients_that_do_not_read_hold_no_worker(server):
    """The server has two workers."""
    deaf = [server.connect() for _ in range(3)]
    for client in deaf:
        client.pgconn.send_query(b"select i, repeat('y', 2000) from range(40000) r(i)")
        client.pgconn.flush()
    began = time.monotonic()
    assert server.query("select 1") == [(1,)]
    assert time.monotonic() - began < 20
    for client in deaf:
        client.close()


def test_settings_of_a_transaction_end_with_it(server):
    with psycopg.connect(**server.address()) as connection:
        connection.execute("set local statement_timeout = '5s'")
        connection.execute("select set_config('timezone', 'Asia/Tokyo', true)")
        assert connection.execute("show timezone").fetchone() == ("Asia/Tokyo",)
        connection.commit()
        assert connection.execute("show statement_timeout").fetchone() == ("0",)
        assert connection.execute("show timezone").fetchone() == ("UTC",)
        connection.execute("select $$set_config('timezone', 'Asia/Tokyo', false)$$")
        assert connection.execute("show timezone").fetchone() == ("UTC",)
        connection.execute("set local \"TimeZone\" = 'Asia/Tokyo'; set local timezone = 'GMT'")
        connection.commit()
        assert connection.execute("show timezone").fetchone() == ("UTC",)
        connection.execute("savepoint a; set timezone = 'Asia/Tokyo'; rollback to a")
        assert connection.execute("show timezone").fetchone() == ("UTC",)
        with pytest.raises(psycopg.errors.InvalidSavepointSpecification):
            connection.execute("rollback to b")
        connection.rollback()
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("set statement_timeout = '-5'")


def test_a_held_cursor_ends_with_a_transaction_that_is_undone(server):
    with psycopg.connect(**server.address()) as connection:
        connection.execute("declare c cursor with hold for select 1")
        connection.rollback()
        with pytest.raises(psycopg.errors.InvalidCursorName):
            connection.execute("fetch c")


def test_asking_who_one_is_leaves_the_rest_of_a_statement_as_it_is(client):
    for sql, expected in [
        ("select 7/2, current_user", 3.5),
        ("select x, current_database() from (values (1), (null), (2)) t(x) order by x desc", 2),
        ("select regexp_extract('abc', '(b)(c)', 2), version()", "c"),
        ("select list_transform([1], lambda x: x + 1), current_schema()", [2]),
    ]:
        assert client.execute(sql).fetchone()[0] == expected
    assert client.execute("select user").fetchone() == ("hitparade",)
    cursor = client.execute("select current_user, current_database()")
    assert [column.name for column in cursor.description] == ["current_user", "current_database"]
    assert cursor.fetchone() == ("hitparade", "warehouse")


@pytest.mark.parametrize(
    "text", ["fetch " + "1" * 20_000 + "!", "fetch" + " " * 20_000 + "!", "set " + "a" * 50_000]
)
def test_a_long_command_is_read_quickly(client, text):
    began = time.monotonic()
    with pytest.raises(psycopg.Error):
        client.execute(text)
    assert time.monotonic() - began < 2


def test_parameters_stand_where_duckdb_copies_them(client):
    sql = "select case %s when 1 then 'a' when 2 then 'b' end"
    assert client.execute(sql, (2,)).fetchone() == ("b",)
    names = client.execute(
        "select relname from pg_class where relname in ($1,$2) order by 1".replace(
            "$1,$2", "%s,%s"
        ),
        ("dim_tracks", "dim_songs"),
    ).fetchall()
    assert names == [("dim_songs",), ("dim_tracks",)]


def test_rows_of_any_length_come_in_small_messages(server):
    """The server and its worker must not hold all of a result with long rows."""
    with psycopg.connect(**server.address()) as connection:
        cursor = connection.cursor("some")
        cursor.execute("select repeat('z', 300000) from range(200)")
        assert {len(row[0]) for row in cursor} == {300_000}


def test_a_failed_transaction_refuses_statements_until_it_ends(server):
    with psycopg.connect(**server.address()) as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            connection.execute("select nothing from dim_tracks")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert connection.execute("select 1").fetchone() == (1,)
        assert connection.execute("commit").statusmessage == "COMMIT"


def test_settings_are_kept_shown_and_undone(server):
    with psycopg.connect(**server.address(options="-c timezone=Asia/Tokyo")) as connection:
        noon = "select timestamptz '2024-07-01 12:00+00'"
        assert connection.execute(noon).fetchone()[0].hour == 21
        connection.execute("set time zone 'Europe/Berlin'")
        assert connection.execute(noon).fetchone()[0].hour == 14
        connection.rollback()
        assert connection.execute("show timezone").fetchone() == ("Asia/Tokyo",)
        with pytest.raises(psycopg.errors.UndefinedObject):
            connection.execute("set no_such_setting = 1")
        connection.rollback()
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("set timezone = 'Nowhere/Else'")
        connection.rollback()
        connection.execute("set search_path = ml, main")
        assert connection.execute("select count(*) from champions").fetchone()[0] > 0


def test_a_setting_is_changed_by_a_function_too(client):
    found = client.execute("select set_config('search_path', 'ml', false)").fetchone()
    assert found == ("ml",)
    assert client.execute("select count(*) from champions").fetchone()[0] > 0


def test_unqualified_names_follow_the_search_path(server):
    with server.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from champions")
        connection.execute("set search_path to main, ml")
        assert connection.execute("select count(*) from champions").fetchone()[0] > 0


def test_a_statement_is_cancelled(client):
    threading.Timer(0.5, client.cancel_safe).start()
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
        client.execute(SLOW)
    assert time.monotonic() - began < 10
    assert client.execute("select 1").fetchone() == (1,)


def test_a_statement_times_out(client):
    client.execute("set statement_timeout = '300ms'")
    with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
        client.execute(SLOW)
    client.execute("reset statement_timeout")
    assert client.execute("select 1").fetchone() == (1,)


def test_a_client_that_goes_frees_its_worker(server):
    for _ in range(3):  # more than there are workers
        connection = server.connect()
        connection.pgconn.send_query(SLOW.encode())
        connection.pgconn.flush()
        time.sleep(0.2)
        connection.close()
    began = time.monotonic()
    assert server.query("select 1") == [(1,)]
    assert time.monotonic() - began < 10


def test_a_parameter_that_cannot_be_read_is_named(client):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match=r"parameter \$1"):
        client.pgconn.exec_params(b"select 1", [b"\xff\xfe"])
        result = client.pgconn.exec_params(b"select $1::varchar", [b"\xff\xfe"])
        raise psycopg.errors.lookup(result.error_field(67).decode())(result.error_message.decode())


def test_a_function_of_the_catalogs_without_its_argument_is_an_error_of_the_client(client):
    with pytest.raises(psycopg.errors.UndefinedFunction):
        client.execute("select current_setting()")


def test_an_error_that_is_raised_often_keeps_no_frames():
    """A shared exception would keep the connection of every client that it was raised for."""
    shared = [
        (module.__name__, name)
        for module in (connection_module, portals, postgres_server, session, settings)
        for name, value in vars(module).items()
        if isinstance(value, BaseException)
    ]
    assert shared == []


def test_another_database_is_refused(server):
    with pytest.raises(psycopg.OperationalError, match='the only one is "warehouse"'):
        psycopg.connect(**server.address(dbname="postgres"))
