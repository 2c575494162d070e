"""Failures as RFC 9457 describes them: application/problem+json."""

import http
import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hitparade.serve.pool import Failed

MEDIA_TYPE = "application/problem+json"
# The status of each SQLSTATE, or of its class (its first two characters).
STATUSES = {
    "42501": 403,  # not permitted
    "0A": 400,  # not supported
    "42": 400,  # a mistake in the statement
    "22": 422,  # a value that cannot be used
    "54000": 422,  # too many rows
    "53300": 503,  # no worker is free
    "53": 503,
    "57014": 504,  # too slow
    "58": 503,  # the file or the worker is gone
}
RETRY = {"Retry-After": "1"}


class Problem(Exception):
    """A request that cannot be answered."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ):
        """Take a sentence for the client, and further members of the answer."""
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = dict(headers or {})
        self.members = members

    def response(self) -> Response:
        """Return the answer."""
        body = {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }
        return Response(json.dumps(body), self.status, self.headers, MEDIA_TYPE)


def of_failure(error: Failed) -> Problem:
    """Return the problem of a statement that failed."""
    state = error.sqlstate
    status = STATUSES.get(state) or STATUSES.get(state[:2], 500)
    return Problem(status, str(error), RETRY if status == 503 else None, sqlstate=state)


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a request that was refused."""
    assert isinstance(error, Problem)
    return error.response()


async def on_failure(request: Request, error: Exception) -> Response:
    """Answer a request whose statement failed."""
    assert isinstance(error, Failed)
    return of_failure(error).response()


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer a request for a path or method that does not exist."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        detail = f"there is no {request.url.path}: see /docs"
    elif error.status_code == 405:
        detail = f"{request.url.path} does not answer {request.method}: see /docs"
    else:
        detail = str(error.detail)
    return Problem(error.status_code, detail, error.headers).response()


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a request that met a defect of the server; the log has it."""
    return Problem(500, "the server failed: its log says why").response()
