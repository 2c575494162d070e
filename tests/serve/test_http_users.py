"""Who may ask over HTTP, and what anyone may see."""

import os
import signal
import time

import httpx
import pytest

from hitparade.serve.scram import Verifier
from hitparade.serve.users import Limits, User, Users
from tests.serve.http_door import hashed, running

HIT = {"danceability": 0.7, "energy": 0.8, "valence": 0.5, "tempo": 120}
CLOSED = [
    ("GET", "/functions"),
    ("GET", "/functions/predict_hit"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/metrics"),
    ("POST", "/sql"),
    ("POST", "/predict/predict_hit"),
]


@pytest.fixture(scope="module")
def guarded(warehouse):
    """A door that asks for a token or a password."""
    users = Users(
        [
            User("robot", tokens=hashed("robot-token", "second-token")),
            User("ann", verifier=Verifier.of("ann's pässword:")),
        ]
    )
    with running(warehouse.database, users) as made:
        yield made


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Bearer robot-token x",
        "Basic !!!",
        "Basic YW5u",  # no colon
        "Basic YW5uOndyb25n",  # a wrong password
        "Basic bm9ib2R5Og==",  # an unknown user
        "Basic cm9ib3Q6cm9ib3QtdG9rZW4=",  # a token is no password
        "Digest x",
    ],
)
def test_strangers_are_refused(guarded, method, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    with guarded.client(headers=headers) as http:
        response = http.request(method, path, json=HIT)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert "hit" not in response.json()["detail"]


def test_a_token_and_a_password_are_taken(guarded):
    with guarded.client() as http:
        for token in ("robot-token", "second-token"):
            headers = {"Authorization": f"Bearer {token}"}
            assert http.get("/functions", headers=headers).status_code == 200
        password = httpx.BasicAuth("ann", "ann's pässword:".encode())
        for _ in range(2):
            assert http.get("/functions", auth=password).status_code == 200
        answer = http.post("/predict/predict_hit", json=HIT, auth=password)
        assert answer.status_code == 200
    assert guarded.audited('"user": "ann"')


def test_anyone_may_ask_for_health(guarded):
    with guarded.client() as http:
        assert http.get("/health").json() == {"status": "alive"}
        ready = http.get("/ready").json()
        assert ready == {"status": "ready", "file": guarded.pool.file()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:1"}, 200),
        ({"Host": "LOCALHOST"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "evil.example@localhost:80"}, 200),  # its host is localhost
        ({"Host": "[::1"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
    ],
)
def test_a_page_of_another_site_gets_nothing(http, headers, status):
    for method, path in CLOSED[:-2]:
        assert http.request(method, path, headers=headers).status_code == status
    assert http.post("/predict/predict_hit", json=HIT, headers=headers).status_code == status


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_is_refused(http, kind):
    for path in ("/sql", "/predict/predict_hit"):
        response = http.post(path, content=b"{}", headers={"Content-Type": kind})
        assert response.status_code == 415


def test_no_page_of_another_site_may_read_an_answer(http):
    response = http.get("/functions", headers={"Origin": "http://localhost:3000"})
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert response.headers["cache-control"] == "no-store"


def test_the_numbers_count_requests_statements_and_models(door, http):
    model_id = http.post("/predict/predict_hit", json=[HIT, HIT]).json()["model_id"]
    http.post("/sql", json={"sql": "select nothing"})
    text = http.get("/metrics").text
    numbers = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    rows = f'hitparade_function_rows_total{{function="predict_hit",model_id="{model_id}"}}'
    assert float(numbers[rows]) >= 2
    assert float(numbers['hitparade_http_requests_total{path="/sql",status="400"}']) >= 1
    assert numbers[f'hitparade_champion{{model_id="{model_id}",task="hit"}}'] == "1.0"
    assert numbers['hitparade_workers{state="idle"}'] == "1.0"
    assert float(numbers['hitparade_connections{door="http"}']) >= 1
    failed = [name for name in numbers if name.startswith("hitparade_statements_total")]
    assert any('sqlstate="42703"' in name for name in failed)


def test_a_killed_worker_is_replaced_and_counted(guarded):
    with guarded.client(headers={"Authorization": "Bearer robot-token"}) as http:
        os.kill(guarded.pool.pids()[0], signal.SIGKILL)
        assert http.post("/predict/predict_hit", json=HIT).status_code == 200
        end = time.monotonic() + 10
        while "hitparade_workers_replaced 1.0" not in http.get("/metrics").text:
            assert time.monotonic() < end
        assert http.get("/ready").status_code == 200


def test_the_server_is_ready_whatever_memory_its_users_have(warehouse):
    users = Users([User("small", tokens=hashed("a"), limits=Limits(memory="900MB"))])
    with running(warehouse.database, users) as door, door.client() as http:
        answer = http.get("/ready")
        assert answer.status_code == 200, answer.text
        assert answer.json()["file"] == door.pool.file()
