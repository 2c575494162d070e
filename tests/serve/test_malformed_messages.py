"""Clients that send nonsense, too much, or nothing: the server drops them and serves the others."""

import os
import random
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serve.server import serving

MESSAGES = int(os.environ.get("HITPARADE_BAD_INPUTS", "600"))
SEED = 24
STARTUP = b"user\0hitparade\0database\0warehouse\0\0"
KINDS = b"QPBDECHSXdcfpFRKZ\x00\xff"


def _startup(payload: bytes = STARTUP, code: int = 196608) -> bytes:
    return struct.pack("!ii", len(payload) + 8, code) + payload


def _message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!i", len(payload) + 4) + payload


def _bind(*values: bytes) -> bytes:
    body = b"\0\0" + struct.pack("!hh", 0, len(values))
    body += b"".join(struct.pack("!i", len(value)) + value for value in values)
    return body + struct.pack("!h", 0)


VALID = [
    _message(b"Q", b"select 1\0"),
    _message(b"Q", b"begin; declare c cursor for select 1; fetch c; commit\0"),
    _message(b"P", b"\0select $1::integer\0" + struct.pack("!hi", 1, 23)),
    _message(b"P", b"s\0select 1\0" + struct.pack("!h", 0)),
    _message(b"B", _bind(b"1")),
    _message(b"B", _bind(b"\xff\xfe", b"")),
    _message(b"D", b"P\0"),
    _message(b"D", b"Ss\0"),
    _message(b"E", b"\0" + struct.pack("!i", 1)),
    _message(b"C", b"P\0"),
    _message(b"H", b""),
    _message(b"S", b""),
]


@pytest.fixture(scope="module")
def alone(warehouse):
    """A server that only these tests use: they look at its memory and its files."""
    with serving(warehouse.database, "--workers", "1") as running:
        yield running


def _connected(server, send: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    client.sendall(send)
    return client


def _answered(client: socket.socket) -> bytes:
    """Return everything until the server closes the connection."""
    answer = b""
    while part := client.recv(65536):
        answer += part
    return answer


def _mutated(random: random.Random) -> bytes:
    message = bytearray(random.choice(VALID))
    match random.randrange(6):
        case 0:  # other bytes
            for _ in range(random.randrange(1, 6)):
                message[random.randrange(len(message))] = random.randrange(256)
        case 1:  # another length
            length = random.choice([0, 1, 3, 4, 5, 2**31 - 1, -1, -(2**31), 2**24, len(message)])
            message[1:5] = struct.pack("!i", length)
        case 2:  # cut
            del message[random.randrange(1, len(message)) :]
        case 3:  # another kind
            message[0] = random.choice(KINDS)
        case 4:  # nonsense of the right form
            payload = random.randbytes(random.randrange(200))
            message = bytearray(_message(bytes([random.choice(KINDS)]), payload))
        case 5:  # valid
            pass
    return bytes(message)


@pytest.mark.slow
def test_malformed_messages_crash_and_leak_nothing(alone):
    randomness = random.Random(SEED)
    _warmed_up(alone, randomness)
    pid, workers, files, memory = _state(alone)
    sent = 0
    while sent < MESSAGES:
        count = randomness.randrange(1, 12)
        messages = [_mutated(randomness) for _ in range(count)]
        start = _startup() if randomness.random() < 0.9 else _mutated_startup(randomness)
        with _connected(alone, start + b"".join(messages) + _message(b"X", b"")) as client:
            client.shutdown(socket.SHUT_WR)
            client.settimeout(30)
            _drained(client)
        sent += count
    assert alone.query("select 1") == [(1,)]
    assert _state(alone)[:2] == (pid, workers), "a process ended"
    _, _, files_after, memory_after = _state(alone)
    assert files_after <= files + 2
    assert memory_after < memory + 64 * 2**20


def _warmed_up(server, randomness: random.Random) -> None:
    for _ in range(20):
        with _connected(server, _startup() + _mutated(randomness)) as client:
            client.shutdown(socket.SHUT_WR)
            _drained(client)
    server.query("select 1")


def _drained(client: socket.socket) -> None:
    with suppress(ConnectionResetError):  # the server had closed before it had read all
        _answered(client)


def _mutated_startup(random: random.Random) -> bytes:
    return random.choice(
        [
            random.randbytes(random.randrange(1, 64)),
            _startup(code=random.getrandbits(31)),
            _startup(random.randbytes(40)),
            _startup(b"user\0"),
            _startup(b"database\0warehouse\0\0"),
            _startup(b"user\0a\0replication\0true\0\0"),
            _startup(b"user\0a\0options\0-c\0\0"),
            struct.pack("!ii", 8, 80877103) * 9,
            struct.pack("!iiii", 16, 80877102, 10_000, 0),
            struct.pack("!ii", 2**30, 196608),
            struct.pack("!ii", -5, 196608),
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ]
    )


def _state(server) -> tuple[int, list[int], int, int]:
    """Return the process, its workers, how many files it has open, and its bytes of memory."""
    pid = server.process.pid
    deadline = time.monotonic() + 10
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    while time.monotonic() < deadline:  # sockets close a moment after their client
        time.sleep(0.2)
        files = min(files, len(list(Path(f"/proc/{pid}/fd").iterdir())))
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pid, server.workers(), files, pages * 4096


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        (_startup(STARTUP, 131072), b"08P01"),
        (_startup(b"database\0warehouse\0\0"), b"28000"),
        (_startup(b"user\0a\0database\0warehouse\0replication\0database\0\0"), b"0A000"),
        (_startup(b"user\0a\0database\0warehouse\0no_such_setting\0x\0\0"), b"42704"),
        (_startup(b"user\0a\0database\0other\0\0"), b"3D000"),
        (struct.pack("!ii", 2**30, 196608), b"08P01"),
        (_startup() + b"Q" + struct.pack("!i", 2**30), b"08P01"),
        (_startup() + b"Q" + struct.pack("!i", 3), b"08P01"),
    ],
)
def test_a_client_is_told_why_it_is_dropped(alone, sent, state):
    with _connected(alone, sent) as client:
        answer = _answered(client)
    fatal = answer[answer.rindex(b"SFATAL") :]
    assert b"C" + state in fatal


def test_the_connection_goes_on_after_a_malformed_message(alone):
    with _connected(alone, _startup()) as client:
        client.sendall(
            _message(b"B", b"\0\0") + _message(b"S", b"") + _message(b"Q", b"select 7\0")
        )
        client.sendall(_message(b"X", b""))
        answer = _answered(client)
    assert b"C08P01\0Minvalid message format" in answer
    assert answer.endswith(b"7" + _message(b"C", b"SELECT 1\0") + _message(b"Z", b"I"))


@pytest.mark.slow
def test_slow_clients_are_dropped_and_block_no_one(alone):
    """Each says nothing, or a byte a second: they are dropped after ten seconds."""
    slow = [_connected(alone, b"\0" if number % 2 else b"") for number in range(100)]
    assert alone.query("select 1") == [(1,)]
    began = time.monotonic()
    dropped = 0
    while dropped < len(slow) and time.monotonic() - began < 30:
        dropped = 0
        for number, client in enumerate(slow):
            try:
                if number % 2:
                    client.sendall(b"\0")
                client.setblocking(False)
                dropped += client.recv(1) == b""
            except BlockingIOError:
                continue
            except OSError:
                dropped += 1
        time.sleep(1)
    assert dropped == len(slow)
    for client in slow:
        client.close()
    assert alone.query("select 1") == [(1,)]


@pytest.mark.slow
def test_too_many_clients_are_told_so(warehouse):
    with serving(warehouse.database, "--workers", "1", "--connections", "3") as server:
        clients = [_connected(server, _startup()) for _ in range(3)]
        for client in clients:
            client.recv(1)
        with _connected(server, _startup()) as fourth:
            assert b"C53300" in _answered(fourth)
        for client in clients:
            client.close()
