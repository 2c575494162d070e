"""Who may connect, what they may ask for, and what is written of it."""

import json
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from hitparade.cli import app
from hitparade.serve.scram import Verifier
from hitparade.serve.users import Users, UsersError, from_file
from tests.serve.server import serving

PASSWORD = "pässword, 'quoted'"
SLOW = "select count(*) from range(10000000) a(i), range(10000000) b(j) where i + j = -1"
USERS = {
    "ana": {"password": str(Verifier.of(PASSWORD)), "schemas": ["main", "ml", "features"]},
    "bi": {
        "password": str(Verifier.of("bi")),
        "schemas": ["main"],
        "rows": 100,
        "seconds": 1,
        "memory": "200MB",
        "connections": 2,
    },
}


@pytest.fixture(scope="module")
def guarded(warehouse, tmp_path_factory):
    """A server with two users and TLS, and the path of its audit."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "users.yml").write_text(yaml.safe_dump({"users": USERS}))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    options = ["--users", folder / "users.yml", "--audit", folder / "audit.log"]
    options += ["--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"]
    with serving(warehouse.database, *map(str, options), "--workers", "1") as running:
        yield running, folder


@pytest.fixture
def ana(guarded):
    server, folder = guarded
    with server.connect(**_tls(folder), user="ana", password=PASSWORD) as connection:
        yield connection


@pytest.fixture
def bi(guarded):
    server, folder = guarded
    with server.connect(**_tls(folder), user="bi", password="bi") as connection:
        yield connection


def _tls(folder: Path) -> dict:
    return {"sslmode": "verify-full", "sslrootcert": str(folder / "cert.pem")}


def test_a_user_connects_with_a_password_over_tls(ana):
    assert ana.pgconn.ssl_in_use
    assert ana.execute("select current_user").fetchone() == ("ana",)


@pytest.mark.parametrize(
    ("user", "password"),
    [("ana", "wrong"), ("ana", ""), ("nobody", ""), ("nobody", "x"), ("nobody", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(guarded, user, password):
    server, folder = guarded
    with pytest.raises(psycopg.OperationalError) as raised:
        server.connect(**_tls(folder), user=user, password=password or " ")
    assert f'password authentication failed for user "{user}"' in str(raised.value)


def test_a_client_without_encryption_is_refused(guarded):
    server, _ = guarded
    with pytest.raises(psycopg.OperationalError, match="must be encrypted"):
        server.connect(sslmode="disable", user="ana", password=PASSWORD)


def test_a_user_reads_the_schemas_of_the_file_of_users(ana, bi):
    query = "select count(*) from features.feat_hit"
    assert ana.execute(query).fetchone()[0] > 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schemas main"):
        bi.execute(query)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bi.execute("select * from ml.champions")


def test_no_search_path_leads_to_another_schema(ana, bi):
    """DuckDB reads `database.table` as a table of the search path."""
    ana.execute("set search_path = ml")
    assert ana.execute("select count(*) from champions").fetchone()[0] > 0
    for path in ("ml", "ml, main", "features", "staging, raw"):
        bi.execute(f"select set_config('search_path', '{path}', false)")
        for name in ("champions", "warehouse.champions", "warehouse.ml.champions", "feat_hit"):
            with pytest.raises(psycopg.Error):
                bi.execute(f"select * from {name}")
    bi.execute("reset search_path")


def test_an_unknown_user_gets_the_same_salt_each_time(guarded):
    """As a known one: nobody learns from it which users there are."""
    users = Users([])
    assert users.nobody("otto").salt == users.nobody("otto").salt
    assert users.nobody("otto").salt != users.nobody("ana").salt


def test_the_limits_of_a_user_end_its_statements(bi):
    assert len(bi.execute("select * from range(100)").fetchall()) == 100
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="more than 100 rows"):
        bi.execute("select * from range(101)").fetchall()
    with pytest.raises(psycopg.errors.QueryCanceled):
        bi.execute(SLOW)
    with pytest.raises(psycopg.errors.OutOfMemory):
        bi.execute("select list(i) from range(50000000) r(i)")
    assert bi.execute("select 1").fetchone() == (1,)


def test_a_user_has_as_many_connections_as_are_allowed(guarded, bi):
    server, folder = guarded
    second = server.connect(**_tls(folder), user="bi", password="bi")
    with pytest.raises(psycopg.OperationalError, match="bi has 2 connections, its limit"):
        server.connect(**_tls(folder), user="bi", password="bi")
    second.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:  # the server notices soon that the second one has gone
        try:
            server.connect(**_tls(folder), user="bi", password="bi").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the place of a closed connection was not given to another")


def test_another_role_and_its_limits_cannot_be_taken(bi):
    for sql in ("set role ana", "set session authorization ana"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bi.execute(sql)
    bi.execute("set statement_timeout = '1h'")  # a user's own limit stays
    with pytest.raises(psycopg.errors.QueryCanceled):
        bi.execute(SLOW)


def test_the_audit_has_a_line_for_each_statement_without_values(guarded, ana, bi):
    _, folder = guarded
    ana.execute("select count(*) from dim_tracks where track_name = %s", ("a secret",))
    with pytest.raises(psycopg.Error):
        bi.execute("select * from ml.champions")
    lines = [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]
    counted, refused = lines[-2:]
    assert counted["sql"] == "select count(*) from dim_tracks where track_name = $1"
    assert (counted["user"], counted["door"], counted["client"]) == ("ana", "postgres", "127.0.0.1")
    assert (counted["parameters"], counted["rows"], counted["error"]) == (1, 1, None)
    assert (refused["rows"], refused["error"]) == (0, "42501")
    assert "a secret" not in (folder / "audit.log").read_text()


def test_an_unencrypted_startup_message_cannot_follow_the_request_for_tls(guarded):
    """A man in the middle could put it there: it must not be read as if it were encrypted."""
    server, _ = guarded
    startup = b"user\0ana\0database\0warehouse\0\0"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(
            struct.pack("!ii", 8, 80877103) + struct.pack("!ii", len(startup) + 8, 196608) + startup
        )
        answer = b""
        while part := client.recv(1000):
            answer += part
    assert answer.startswith(b"SE")
    assert b"received unencrypted data after SSL request" in answer


@pytest.mark.slow
@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_nothing_listens_beyond_this_machine_without_a_password(warehouse, host):
    run = _serve(warehouse, "--host", host)
    assert run.returncode == 1
    assert f"a server on {host} needs users" in run.stdout
    assert "HITPARADE_SERVE_PASSWORD" in run.stdout


@pytest.mark.slow
def test_the_environment_can_name_the_only_user(warehouse):
    named = {"HITPARADE_SERVE_USER": "otto", "HITPARADE_SERVE_PASSWORD": "geheim"}
    with serving(warehouse.database, "--workers", "1", **named) as server:
        with server.connect(user="otto", password="geheim") as connection:
            assert connection.execute("select current_user").fetchone() == ("otto",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            server.connect(user="hitparade", password="geheim")


def _serve(warehouse, *options: str) -> subprocess.CompletedProcess:
    hitparade = Path(sys.executable).with_name("hitparade")
    return subprocess.run(
        [hitparade, "serve", *options],
        env={**warehouse.environment(), "HITPARADE_SERVE_PASSWORD": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_a_missing_file_is_named(warehouse, tmp_path):
    run = subprocess.run(
        [Path(sys.executable).with_name("hitparade"), "serve", "--port", "0"],
        env={**warehouse.environment(), "HITPARADE_DATABASE": str(tmp_path / "none.duckdb")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert str(tmp_path / "none.duckdb") in run.stdout


TOKEN = "a" * 64
WRONG = [
    ("", "has no users"),
    ("users: [ana]", "has no users"),
    ("users: {ana: {}}", "neither a password nor tokens"),
    ("users: {ana: {password: geheim}}", "not a verifier"),
    ("users: {ana: {password: SCRAM-SHA-256$4096:a$b:c}}", "not a verifier"),
    (f"users: {{ana: {{tokens: [{TOKEN}], schema: main}}}}", "unknown settings schema"),
    (f"users: {{ana: {{tokens: [{TOKEN}], rows: many}}}}", "rows"),
    (f"users: {{ana: {{tokens: [{TOKEN}], memory: lots}}}}", "memory"),
    (f"users: {{ana: {{tokens: [{TOKEN}], seconds: -1}}}}", "seconds"),
    ("users: {ana: {tokens: geheim}}", "tokens"),
    ("users: [", "cannot be read"),
    ("users: {ana: {tokens: [x]}}", "64 hexadecimal digits"),
    (f"users: {{ana: {{tokens: [{TOKEN}], sql: 'no'}}}}", "sql is true or false"),
    (f"users: {{ana: {{tokens: [{TOKEN}]}}, ana: {{tokens: [{TOKEN}]}}}}", "ana stands twice"),
    ("users: {ana: hello}", "a user has a name"),
    ("users: {5: {}}", "a user has a name"),
    ("users: {ana: {password: 5}}", "not a verifier"),
]


def test_users_are_named_once_and_with_a_password(tmp_path, monkeypatch, warehouse):
    monkeypatch.setenv("HITPARADE_DATABASE", str(warehouse.database))
    monkeypatch.setenv("HITPARADE_SERVE_USER", "otto")
    run = CliRunner().invoke(app, ["serve", "--port", "0"])
    assert run.exit_code == 1
    assert "otto" not in run.output and "names a user without a password" in run.output
    path = tmp_path / "users.yml"
    path.write_text(f"users: {{ana: {{tokens: [{TOKEN}]}}}}")
    monkeypatch.setenv("HITPARADE_SERVE_PASSWORD", "geheim")
    run = CliRunner().invoke(app, ["serve", "--port", "0", "--users", str(path)])
    assert run.exit_code == 1
    assert "given twice" in run.output


@pytest.mark.slow
def test_a_port_that_is_taken_is_named_with_the_option(warehouse, monkeypatch):
    monkeypatch.setenv("HITPARADE_DATABASE", str(warehouse.database))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option, others in (("--port", []), ("--http-port", ["--port", "0"])):
            run = _serve(warehouse, *others, option, port)
            assert run.returncode == 1
            assert f"choose another port by {option}" in run.stdout


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_file_of_users_is_refused_with_the_reason(tmp_path, text, message):
    path = tmp_path / "users.yml"
    path.write_text(text)
    with pytest.raises(UsersError, match=message):
        from_file(path)


def test_a_verifier_is_that_of_postgresql():
    """The example of RFC 7677: user `user`, password `pencil`."""
    verifier = Verifier.parse(
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert verifier.accepts("pencil")
    assert not verifier.accepts("Pencil")
    assert Verifier.parse(str(Verifier.of("x"))).accepts("x")
