"""`POST /sql`: answers, errors and limits."""

import socket
import threading
import time

import httpx
import pyarrow as pa
import pytest

from hitparade.serve.requests import Limits
from hitparade.serve.users import User, Users
from tests.serve.http_door import hashed, running

ARROW = "application/vnd.apache.arrow.stream"
LONG = "select count(*) from range(100000000000) as t(n) where n % 7 = hash(n) % 7"


def ask(http, sql, *parameters, **options):
    return http.post("/sql", json={"sql": sql, "parameters": parameters}, **options)


def bearer(name):
    return {"headers": {"Authorization": f"Bearer {name}"}}


@pytest.fixture(scope="module")
def limited(warehouse):
    """A door with one worker and users who may do little; each user's name is the token."""
    users = [
        User("slow", tokens=hashed("slow"), limits=Limits(seconds=0.5)),
        User("few", tokens=hashed("few"), limits=Limits(rows=1500)),
        User("single", tokens=hashed("single"), limits=Limits(connections=1, seconds=20)),
        User("marts", tokens=hashed("marts"), schemas=("main",)),
        User("none", tokens=hashed("none"), sql=False),
        User("patient", tokens=hashed("patient"), limits=Limits(seconds=60)),
    ]
    with running(warehouse.database, Users(users)) as made:
        yield made


def test_an_answer_has_columns_and_rows(http, onnx_runtime):
    sql = "select track_id, tempo, explicit, genres from dim_tracks order by track_id limit 1234"
    answer = ask(http, sql).json()
    assert answer["columns"] == [
        {"name": "track_id", "type": "VARCHAR"},
        {"name": "tempo", "type": "DOUBLE"},
        {"name": "explicit", "type": "BOOLEAN"},
        {"name": "genres", "type": "VARCHAR[]"},
    ]
    assert answer["rows"] == [list(row) for row in onnx_runtime.execute(sql).fetchall()]


def test_parameters_are_values(http):
    sql = "select $1 || '!', $2 + 1, $3, $4, len($5)"
    answer = ask(http, sql, "it's", 1.5, None, True, ["a", "b"]).json()
    assert answer["rows"] == [["it's!", 2.5, None, True, 2]]


@pytest.mark.parametrize("table", ["dim_tracks", "ml.champions", "fct_track_vectors"])
def test_arrow_is_duckdbs_own(http, onnx_runtime, table):
    sql = f"select * from {table} order by all"
    response = ask(http, sql, headers={"Accept": ARROW})
    assert response.headers["content-type"] == ARROW
    found = pa.ipc.open_stream(response.content).read_all()
    assert found.equals(onnx_runtime.sql(sql).to_arrow_table())


def test_an_empty_result_has_columns(http):
    assert ask(http, "select 1 as one where false").json() == {
        "columns": [{"name": "one", "type": "INTEGER"}],
        "rows": [],
    }
    response = ask(http, "select 1 as one where false", headers={"Accept": ARROW})
    assert pa.ipc.open_stream(response.content).read_all().column_names == ["one"]


@pytest.mark.parametrize("accept", ["application/json", ARROW])
@pytest.mark.parametrize(
    ("sql", "status", "state"),
    [
        ("selec 1", 400, "42601"),
        ("", 400, "42601"),
        ("select 1; select 2", 400, "42601"),
        ("select * from nothing", 400, "42P01"),
        ("select nothing", 400, "42703"),
        ("select nothing(1)", 400, "42883"),
        ("select cast('x' as integer)", 422, "22P02"),
        ("select error('no')", 422, "22023"),
        ("select $1", 422, "22023"),
        ("create table x as select 1", 403, "42501"),
        ("select * from read_csv('/etc/passwd')", 403, "42501"),
        ("select * from staging.genres", 403, "42501"),
    ],
)
def test_a_failed_statement_is_no_empty_result(http, sql, status, state, accept):
    response = ask(http, sql, headers={"Accept": accept})
    assert (response.status_code, response.json()["sqlstate"]) == (status, state), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", ARROW])
def test_a_statement_that_fails_late_breaks_off(http, accept):
    late = "select case when n = 900000 then error('late') else n end from range(1000000) as t(n)"
    try:
        response = ask(http, late, headers={"Accept": accept})
    except httpx.RemoteProtocolError:
        return
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "must be an object"),
        ({"sql": 5}, "sql must be a text"),
        ({}, "sql must be a text"),
        ({"sql": "select 1", "params": []}, "params is not known"),
        ({"sql": "select 1", "parameters": {"a": 1}}, "must be a list"),
        ({"sql": "select $1", "parameters": [{"a": 1}]}, "parameter 1 is an object"),
        ({"sql": "select $1", "parameters": [10**50]}, "beyond 128 bits"),
    ],
)
def test_a_wrong_body_is_named(http, body, said):
    response = http.post("/sql", json=body)
    assert response.status_code == 422
    assert said in response.json()["detail"]


def test_an_unknown_media_type_is_refused(http):
    assert ask(http, "select 1", headers={"Accept": "text/csv"}).status_code == 406
    assert ask(http, "select 1", headers={"Accept": "text/csv, */*;q=0.1"}).status_code == 200


def test_a_slow_statement_is_ended(limited):
    with limited.client(**bearer("slow")) as http:
        response = ask(http, LONG)
        assert (response.status_code, response.json()["sqlstate"]) == (504, "57014")
        assert ask(http, "select 1").status_code == 200


def test_a_large_result_is_refused(limited):
    with limited.client(**bearer("few")) as http:
        assert len(ask(http, "select * from range(1500)").json()["rows"]) == 1500
        with pytest.raises(httpx.RemoteProtocolError):  # its first rows were sent
            ask(http, "select * from range(3000)")
        assert ask(http, "select 1").status_code == 200


def test_a_user_reads_permitted_schemas(limited):
    with limited.client(**bearer("marts")) as http:
        assert ask(http, "select count(*) from dim_tracks").status_code == 200
        refused = ask(http, "select * from ml.champions")
        assert refused.status_code == 403
        assert "you may read the schemas main" in refused.json()["detail"]
        answer = http.post(
            "/predict/predict_hit",
            json={"danceability": 0.7, "energy": 0.8, "valence": 0.5, "tempo": 120},
        )
        assert answer.json()["model_id"]


def test_a_user_without_sql_calls_functions_only(limited):
    with limited.client(**bearer("none")) as http:
        assert ask(http, "select 1").status_code == 403
        assert http.get("/functions").status_code == 200


def test_too_many_requests_of_a_user_are_refused(limited):
    started = threading.Thread(target=_ask_long, args=(limited, "single", 1.5))
    started.start()
    _until(lambda: limited.pool.busy() == 1)
    with limited.client(**bearer("single")) as http:
        response = ask(http, "select 1")
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1"
    with limited.client(**bearer("slow")) as http:  # the only worker is busy
        response = ask(http, "select 1")
        assert (response.status_code, response.json()["sqlstate"]) == (503, "53300")
    started.join()
    _until(lambda: limited.pool.busy() == 0)


def _ask_long(door, name, seconds):
    """Ask, and go away."""
    with door.client(**bearer(name)) as http, pytest.raises(httpx.ReadTimeout):
        ask(http, LONG, timeout=seconds)


def test_the_statement_of_a_client_that_goes_away_is_cancelled(limited):
    for body in (LONG, "select n, hash(n) from range(900000) as t(n)"):
        with socket.create_connection(("127.0.0.1", limited.port)) as client:
            text = '{"sql": "' + body + '"}'
            client.sendall(
                f"POST /sql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer patient\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
                f"{text}".encode()
            )
            _until(lambda: limited.pool.busy() == 1)
            time.sleep(0.3)
        _until(lambda: limited.pool.busy() == 0, seconds=4)
    assert limited.pool.replaced == 0


def _until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_statement_has_a_line_without_values(limited):
    with limited.client(**bearer("marts")) as http:
        ask(http, "select $1", "a secret")
        ask(http, "select nothing")
    *_, good, bad = limited.audited('"sql": "select nothing"')
    assert '"sql": "select $1", "parameters": 1, "rows": 1' in good
    assert '"user": "marts", "door": "http", "client": "127.0.0.1"' in good
    assert '"error": "42703"' in bad
    assert "secret" not in limited.lines.getvalue()


def test_an_error_of_the_statement_has_the_same_kind_in_both_forms(http):
    """Arrow hides DuckDB's errors: it must not look like a file that cannot be read."""
    statuses = {
        accept: ask(http, "select error('boom')", headers={"Accept": accept}).status_code
        for accept in ("application/json", ARROW)
    }
    assert set(statuses.values()) == {422}  # SQLSTATE 22: a value that cannot be used
