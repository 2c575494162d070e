"""What all endpoints need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import Request

from hitparade.serve.audit import Audit
from hitparade.serve.http.functions import Catalogs
from hitparade.serve.http.metrics import Metrics
from hitparade.serve.http.problems import RETRY, Problem
from hitparade.serve.http.security import Gate
from hitparade.serve.http.settings import HttpSettings
from hitparade.serve.pool import Failed, Pool
from hitparade.serve.requests import Encoding, Query
from hitparade.serve.users import User, Users

DOOR = "http"


@dataclass(frozen=True)
class Service:
    """The workers, the users, and what is known of the functions."""

    pool: Pool
    users: Users
    audit: Audit
    settings: HttpSettings
    gate: Gate
    catalogs: Catalogs
    metrics: Metrics

    @contextmanager
    def request_of(self, user: User) -> Iterator[None]:
        """Count a request of a user while it is answered.

        Raises:
            Problem: the user has too many.
        """
        counted = self.users.connection(user)
        try:
            counted.__enter__()
        except Failed as error:
            detail = f"{user.name} has {user.limits.connections} requests, the limit: wait for one"
            raise Problem(429, detail, RETRY, sqlstate=error.sqlstate) from error
        try:
            yield
        finally:
            counted.__exit__(None, None, None)


def service_of(request: Request) -> Service:
    """Return what the app was created with."""
    return request.app.state.service


def query_of(user: User, sql: str, parameters: list, encoding: Encoding) -> Query:
    """Return a statement with the limits of its user."""
    return Query(
        sql=sql,
        parameters=parameters,
        encoding=encoding,
        schemas=list(user.schemas),
        user=user.name,
        memory=user.limits.memory,
        rows=user.limits.rows,
    )


def client_of(request: Request) -> str:
    """Return the address that the audit names."""
    return request.client.host if request.client else ""
