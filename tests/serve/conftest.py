import pytest

from tests.serve.http_door import running
from tests.serve.server import serving


@pytest.fixture(scope="session")
def server(warehouse):
    """A server of the finished warehouse that asks for no password."""
    with serving(warehouse.database, "--workers", "2") as running:
        yield running


@pytest.fixture
def client(server):
    """A psycopg connection to the server."""
    with server.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def door(warehouse):
    """The HTTP door of the finished warehouse, for anyone on this machine."""
    with running(warehouse.database) as made:
        yield made


@pytest.fixture
def http(door):
    """A client of that door."""
    with door.client() as client:
        yield client
