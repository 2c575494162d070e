"""The HTTP door as an application."""

import time
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hitparade.serve.audit import Audit
from hitparade.serve.http import health, listing
from hitparade.serve.http.answers import GoneError
from hitparade.serve.http.declared import PACKAGED, Declarations
from hitparade.serve.http.functions import Catalogs
from hitparade.serve.http.metrics import Metrics
from hitparade.serve.http.predict import predict
from hitparade.serve.http.problems import (
    Problem,
    on_error,
    on_failure,
    on_http_exception,
    on_problem,
)
from hitparade.serve.http.security import Gate
from hitparade.serve.http.service import Service
from hitparade.serve.http.settings import HttpSettings
from hitparade.serve.http.sql import sql
from hitparade.serve.pool import Failed, Pool
from hitparade.serve.users import Users

PATHS = {"predict", "sql", "functions", "openapi.json", "docs", "health", "ready", "metrics"}
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
CLIENT_GONE = 499  # as nginx counts it; nobody reads it


def create_app(pool: Pool, users: Users, audit: Audit, settings: HttpSettings) -> FastAPI:
    """Return the application.

    The routes are Starlette's: FastAPI would check inputs by types of Python, and here the
    database names the types, in each published file anew. See `listing` for the pages that
    FastAPI would write.

    Args:
        pool: of the published file.
        users: who may ask.
        audit: writes a line for each statement. One app for each audit: it adds numbers to it.
        settings: limits, and where arguments are described.
    """
    folders: list[Path] = [PACKAGED, *filter(None, [settings.functions])]
    catalogs = Catalogs(pool, Declarations(folders))
    metrics = Metrics(audit, pool, catalogs)
    app = FastAPI(title="hitparade", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.service = Service(pool, users, audit, settings, Gate(users), catalogs, metrics)
    app.state.readiness = health.Readiness(pool)
    app.add_route("/predict/{function}", predict, methods=["POST"])
    app.add_route("/sql", sql, methods=["POST"])
    app.add_route("/functions", listing.functions, methods=["GET"])
    app.add_route("/functions/{function}", listing.function, methods=["GET"])
    app.add_route("/openapi.json", listing.openapi, methods=["GET"])
    app.add_route("/docs", listing.docs, methods=["GET"])
    app.add_route("/health", health.health, methods=["GET"])
    app.add_route("/ready", health.ready, methods=["GET"])
    app.add_route("/metrics", health.metrics, methods=["GET"])
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(Failed, on_failure)
    app.add_exception_handler(GoneError, _on_gone)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(Exception, on_error)
    app.add_middleware(_Watched, metrics=metrics)
    return app


async def _on_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


class _Watched:
    """Counts requests, and adds headers to every answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            first = scope["path"].lstrip("/").partition("/")[0]
            named = f"/{first}" if first in PATHS else "other"
            self._metrics.requested(named, status, time.perf_counter() - began)
