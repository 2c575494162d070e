import pytest

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
