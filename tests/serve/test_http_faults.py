"""Clients of the HTTP door that are slow, broken or hostile: others get their answers."""

import gc
import json
import os
import random
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serve.http_door import running

SEED = 20
QUICK, FULL = 300, int(os.environ.get("HITPARADE_BAD_REQUESTS", 10_000))
HIT = {"danceability": 0.7, "energy": 0.8, "valence": 0.5, "tempo": 120}
KINDS = {"Content-Type": "application/json"}
SLOW = "select n from range(20000000) as t(n) where hash(n) % 9999 = 1"  # a tenth of a second
CALM = {200, 400, 403, 404, 405, 406, 413, 415, 422}
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def strict(warehouse):
    """A door with short times and a small body."""
    times = {
        "header_seconds": 0.5,
        "body_seconds": 0.5,
        "idle_seconds": 1.0,
        "stalled_seconds": 1.0,
    }
    with running(warehouse.database, body=MEBIBYTE, connections=80, **times) as made:
        yield made


def connected(door):
    return socket.create_connection(("127.0.0.1", door.port), timeout=10)


def answers(door):
    with door.client() as http:
        return http.post("/predict/predict_hit", json=HIT).status_code == 200


def head(path="/predict/predict_hit", **headers):
    lines = {"Host": "localhost", **KINDS} | headers
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{text}\r\n".encode()


def everything(client):
    """What the server sends until it closes the connection."""
    found = b""
    with suppress(ConnectionError):
        while chunk := client.recv(65536):
            found += chunk
    return found


def answer(client):
    """One answer; nothing if the server waits for more, or has closed the connection."""
    client.settimeout(0.1)
    with suppress(TimeoutError):
        if first := client.recv(65536):
            client.settimeout(10)
            return first + everything(client)
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)
    client.settimeout(10)
    return everything(client)


def is_idle(door):
    return door.pool.busy() == 0 and not door.door._server.server_state.connections


def wait_for_idle(door, seconds=10):
    end = time.monotonic() + seconds
    while not is_idle(door):
        assert time.monotonic() < end, "connections or statements are left"
        time.sleep(0.02)


def test_headers_that_trickle_are_ended(strict):
    clients = [connected(strict) for _ in range(50)]
    began = time.monotonic()
    for client in clients[:40]:
        client.sendall(b"POST /predict/predict_hit HTTP/1.1\r\nHost: loc")
    while time.monotonic() - began < 0.9:
        for client in clients[:40]:
            try:
                client.sendall(b"a")
            except ConnectionError:
                continue
        assert answers(strict)
        time.sleep(0.1)
    for client in clients:  # ten have sent nothing
        assert everything(client) == b""
        client.close()
    assert time.monotonic() - began < 3
    wait_for_idle(strict)


def test_a_body_that_trickles_is_ended(strict):
    with connected(strict) as client:
        client.sendall(head(**{"Content-Length": "500"}) + b'{"tempo"')
        said = everything(client)
    assert said.startswith(b"HTTP/1.1 408")
    with connected(strict) as client:  # of a request that was refused without reading it
        client.sendall(head("/nowhere", **{"Content-Length": "500"}) + b'{"tempo"')
        assert everything(client).startswith(b"HTTP/1.1 404")
    wait_for_idle(strict)


def test_an_answer_that_nobody_reads_is_ended(strict):
    with connected(strict) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        text = json.dumps({"sql": "select n, hash(n) from range(900000) as t(n)"}).encode()
        client.sendall(head("/sql", **{"Content-Length": len(text)}) + text)
        time.sleep(0.3)
        assert strict.pool.busy() == 1
        wait_for_idle(strict)
    assert answers(strict)


def test_clients_that_go_away_leave_no_rows_to_others(strict, caplog):
    chosen = random.Random(SEED)
    for number in range(50):
        sql = chosen.choice(["select 0", "select n from range(5000) as t(n)", SLOW, SLOW])
        text = json.dumps({"sql": sql}).encode()
        with connected(strict) as client:
            client.sendall(head("/sql", **{"Content-Length": len(text)}) + text)
            time.sleep(chosen.random() * 0.2)  # the server looks for the client after 0.1 s
        if number % 10 == 0:
            with strict.client() as http:
                answer = http.post("/sql", json={"sql": "select $1", "parameters": [number]})
                assert answer.json()["rows"] == [[number]]
    wait_for_idle(strict)
    assert strict.pool.replaced == 0
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_clients_that_go_away_between_rows_leave_no_errors(strict, caplog):
    sql = f"{SLOW} union all select n from range(3000) as t(n) union all {SLOW}"
    text = json.dumps({"sql": sql}).encode()
    for wait in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        with connected(strict) as client:
            client.sendall(head("/sql", **{"Content-Length": len(text)}) + text)
            time.sleep(wait)
        wait_for_idle(strict)
    assert strict.pool.replaced == 0
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_an_idle_connection_is_closed(strict):
    with connected(strict) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        began = time.monotonic()
        assert everything(client).endswith(b'{"status":"alive"}')
        assert time.monotonic() - began < 4


def test_too_many_connections_are_refused(strict):
    clients = [connected(strict) for _ in range(85)]
    clients[-1].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert clients[-1].recv(100).startswith(b"HTTP/1.1 503")
    for client in clients:
        client.close()
    wait_for_idle(strict)


def chunked(size):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    return chunk * (size // 0x10000)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (head(**{"Content-Length": 10**12}), 413),
        (head(**{"Content-Length": 2 * MEBIBYTE}) + b" " * 2 * MEBIBYTE, 413),
        (head(**{"Transfer-Encoding": "chunked"}) + chunked(2 * MEBIBYTE), 413),
        (head(**{"X": "a" * 70_000}), 400),
        (b"GET /" + b"a" * 70_000, 400),
        (head(**{"Content-Length": "-5"}), 400),
        (head(**{"Content-Length": "5, 6"}), 400),
        (head(**{"Content-Length": "5", "Transfer-Encoding": "gzip"}), 400),
        (head(**{"Transfer-Encoding": "chunked"}) + b"zz\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 404),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404),
    ],
)
def test_a_broken_request_is_refused(strict, request_bytes, status):
    with connected(strict) as client:
        with suppress(ConnectionError):  # it may answer before it has read everything
            client.sendall(request_bytes)
        said = client.recv(65536)
    assert said.startswith(f"HTTP/1.1 {status}".encode()), said
    assert answers(strict)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"{'tempo': 1}", "is not JSON"),
        (b'{"tempo": 1,}', "is not JSON"),
        (b'{"tempo": NaN}', "NaN is no number"),
        (b'{"tempo": -Infinity}', "-Infinity is no number"),
        (b'{"tempo": 1} {"tempo": 1}', "is not JSON"),
        (b'{"tempo": 1, "tempo": 2}', 'has the name "tempo" twice'),
        (b'[{"tempo": {"a": 1, "a": 1}}]', 'has the name "a" twice'),
        (b"\xff\xfe{\x00}\x00", "is not UTF-8"),
        (b'{"tempo": "\xc3\x28"}', "is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "is nested too deeply"),
    ],
)
def test_a_body_that_is_no_json_is_refused(strict, body, said):
    with strict.client(headers=KINDS) as http:
        for path in ("/predict/predict_hit", "/sql"):
            response = http.post(path, content=body)
            assert response.status_code == 400
            assert said in response.json()["detail"]


def test_a_compressed_body_is_refused(strict):
    with strict.client(headers=KINDS | {"Content-Encoding": "gzip"}) as http:
        assert http.post("/sql", content=b"x").status_code == 415


def test_broken_requests_harm_nobody(strict):
    fuzz(strict, QUICK)


@pytest.mark.slow
def test_many_broken_requests_harm_nobody(strict):
    fuzz(strict, FULL)


def fuzz(door, count):
    """Send seeded requests; none may fail the server, kill a worker or leave anything."""
    chosen = random.Random(SEED)
    with door.client() as http:
        functions = http.get("/functions").json()["functions"]
    makers = (broken_bytes, odd_inputs, odd_inputs, odd_sql)
    memory = 0
    for number in range(count):
        request = makers[number % len(makers)](chosen, functions)
        with connected(door) as client:
            with suppress(ConnectionError):
                client.sendall(request)
            said = answer(client)
        if said:
            status = int(said.split(b" ", 2)[1])
            assert status in CALM, (request, said)
        if number == count // 4:
            memory = resident()
    wait_for_idle(door)
    assert door.pool.replaced == 0
    assert answers(door)
    assert resident() - memory < 64 * MEBIBYTE


def resident():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def with_length(path, text):
    return head(path, **{"Content-Length": len(text), "Connection": "close"}) + text


def broken_bytes(chosen, functions):
    """A good request with bytes changed, cut, doubled or inserted."""
    text = bytearray(with_length("/predict/predict_hit", json.dumps(HIT).encode()))
    for _ in range(chosen.randint(1, 6)):
        place = chosen.randrange(len(text))
        match chosen.randrange(4):
            case 0:
                text[place] = chosen.randrange(256)
            case 1:
                del text[place : place + chosen.randint(1, 9)]
            case 2:
                text[place:place] = text[place : place + chosen.randint(1, 60)]
            case 3:
                text[place:place] = chosen.randbytes(chosen.randint(1, 9))
    return bytes(text)


ODD = [
    *(None, True, False, 0, -0.0, 1, 5, 120, 1e15, -1e15, 1e16, 1e308, 10**30, 0.1, 2.5, "", "a"),
    *("pop", "NaN", "null", "Major", "\u0000", "\ud800", "é😀", "x" * 5000, "2023-01-31", "'; --"),
    *("9999-12-31", "0001-01-01", [], ["pop"], [None], [[]], [0.5] * 4, {}, {"a": 1}, {"": 1}),
    [{"a": [None, {"b": 2}]}],
    *({"changes": [], "judged_delta": 1}, {"changes": [{"feature": "x"}]}),
]


def odd_inputs(chosen, functions):
    """A call of some function with some odd values."""
    function = chosen.choice(functions)
    rows = []
    for _ in range(chosen.choice([1, 1, 2, 5])):
        row = {each["name"]: fitting(chosen, each["type"]) for each in function["arguments"]}
        for name in list(row):
            if chosen.random() < 0.04:
                row[name] = chosen.choice(ODD)
            if chosen.random() < 0.01:
                del row[name]
        if chosen.random() < 0.02:
            row[str(chosen.choice(ODD))] = 1
        rows.append(row)
    body = chosen.choice([rows, {"rows": rows}, rows[0]])
    check = "?check=true" if chosen.random() < 0.2 else ""
    return with_length(f"/predict/{function['name']}{check}", json.dumps(body).encode())


def fitting(chosen, kind):
    """A value of a type, often an odd one."""
    if kind.endswith("[]"):
        return [fitting(chosen, kind[:-2]) for _ in range(chosen.randrange(6))]
    if chosen.random() < 0.1:
        return None
    match kind:
        case "double":
            return chosen.choice([0, 0.5, 1, -1e15, 1e15, 120, 5e-324, chosen.uniform(-1, 200)])
        case "bigint":
            return chosen.choice([0, 1, 5, -1, 100, 2**63 - 1, -(2**63)])
        case "boolean":
            return chosen.random() < 0.5
        case "date":
            return chosen.choice(["2023-01-31", "0001-01-01", "9999-12-31"])
        case "varchar":
            return chosen.choice([each for each in ODD if isinstance(each, str)])
    return chosen.choice(ODD)


SQL = (
    "select from where group order by limit with as ( ) , * ' \" $1 ; -- /* */ 1 1e9 null true [ ] "
    "dim_tracks t ml.champions predict_hit(t) tempo { } : := :: varchar double[] unnest range(9) "
    "over lateral union all except intersect case when then else end exists"
)
WORDS = SQL.split()


def odd_sql(chosen, functions):
    """Words of SQL in some order."""
    words = ["select", *chosen.choices(WORDS, k=chosen.randint(1, 12))]
    body = {"sql": " ".join(words)}
    if chosen.random() < 0.5:
        body["parameters"] = chosen.choices(ODD, k=chosen.randint(0, 3))
    return with_length("/sql", json.dumps(body).encode())
