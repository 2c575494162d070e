"""`POST /predict/{function}`: call a function with one row or many."""

import json
from collections import Counter
from collections.abc import Callable, Container
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hitparade.serve.audit import Entry
from hitparade.serve.http.answers import Body, Streamed, while_here
from hitparade.serve.http.bodies import JSON, Given, read_json
from hitparade.serve.http.functions import Catalog, Function
from hitparade.serve.http.inputs import Columns, columns
from hitparade.serve.http.problems import RETRY, Problem
from hitparade.serve.http.service import DOOR, Service, client_of, query_of, service_of
from hitparade.serve.http.statements import Statement, for_many, for_one
from hitparade.serve.pool import Answer, Chunk, Failed
from hitparade.serve.users import User

ROWS = "rows"
TRIES = 3  # of a statement during which another file was published
TRUTHS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Call:
    """A checked request."""

    function: Function
    check: Function | None
    rows: list[Any]
    is_one: bool
    table: Columns

    def models(self, known: Container[str]) -> Counter[str]:
        """Return how many rows each known model answers: a row may name any other."""
        if not self.function.models_differ:
            return Counter({self.function.model_id or "": len(self.rows)})
        named = ((self.function.model_of(row) or "") for row in self.rows)
        return Counter(name if name in known else "" for name in named)

    def statement(self) -> Statement:
        """Return the statement that answers it."""
        if self.is_one:
            return for_one(self.function, self.check, self.table)
        return for_many(self.function, self.check, self.table, len(self.rows))

    def head(self) -> dict[str, Any]:
        """Return what the answer tells of the function."""
        told: dict[str, Any] = {"function": self.function.name}
        if self.is_one or not self.function.models_differ:
            return told | {"model_id": self.function.model_of(self.rows[0] if self.rows else {})}
        return told | {"model_ids": [self.function.model_of(row) for row in self.rows]}

    def empty(self) -> dict[str, Any]:
        """Return the answer to a list without rows."""
        return self.head() | {"results": []} | ({"checks": []} if self.check else {})

    def body(self) -> Body:
        """Return how rows become the answer."""
        text = json.dumps(self.head(), ensure_ascii=False)[:-1].encode()
        if self.is_one:
            head = text + b', "result": '
            return Body(JSON, _one_with_check if self.check else _one, head, tail=lambda: b"}")
        checks: list[str] = []
        return Body(
            JSON,
            _many_with(checks) if self.check else _many,
            text + b', "results": [',
            b", ",
            lambda: _end(checks, self.check),
        )


def _one(chunk: Chunk) -> bytes:
    return chunk.body[1:-1]  # the worker's text of a row is a list of one value


def _one_with_check(chunk: Chunk) -> bytes:
    result, check = json.loads(chunk.body)
    return f'{_text(result)}, "check": {_text(check)}'.encode()


def _many(chunk: Chunk) -> bytes:
    return ", ".join(_text(row[0]) for row in _rows(chunk)).encode()


def _many_with(checks: list[str]) -> Callable[[Chunk], bytes]:
    def encode(chunk: Chunk) -> bytes:
        rows = _rows(chunk)
        checks.extend(_text(check) for _, check in rows)
        return ", ".join(_text(result) for result, _ in rows).encode()

    return encode


def _end(checks: list[str], check: Function | None) -> bytes:
    listed = ', "checks": [' + ", ".join(checks) + "]" if check else ""
    return f"]{listed}}}".encode()


def _rows(chunk: Chunk) -> list[list[Any]]:
    return json.loads(b"[" + chunk.body + b"]")


def _text(value: Any) -> str:
    return json.dumps(value)


async def predict(request: Request) -> Response:
    """Call a function of the published file."""
    service = service_of(request)
    user = await service.gate.user(request)
    with ExitStack() as stack:
        stack.enter_context(service.request_of(user))
        name, check = request.path_params["function"], _wants_check(request)
        catalog = await service.catalogs.current()
        catalog.named(name)  # before the body is read
        asked = _Asked(name, check, await read_json(request, service.settings))
        return await _answered(request, service, user, asked, stack)


@dataclass(frozen=True)
class _Asked:
    """What a request says, before it is checked against a file."""

    name: str
    check: bool
    given: Given

    def call(self, catalog: Catalog) -> Call:
        """Return the checked request.

        Raises:
            Problem: it does not fit the functions of the file.
        """
        function = catalog.named(self.name)
        if self.check and function.check is None:
            raise Problem(400, f"{function.name} has no check: leave out ?check=true")
        rows, is_one = _rows_of(self.given.value, function)
        check = catalog.functions[function.check] if self.check and function.check else None
        return Call(function, check, rows, is_one, columns(function, rows, is_one))


def _wants_check(request: Request) -> bool:
    for name in request.query_params:
        if name != "check":
            raise Problem(400, f"there is no query parameter {name[:60]}: there is check=true")
    said = request.query_params.get("check", "false").lower()
    if said not in TRUTHS:
        raise Problem(400, "check must be true or false")
    return TRUTHS[said]


def _rows_of(body: Any, function: Function) -> tuple[list[Any], bool]:
    """Return the rows of a body, and whether it is one row."""
    if isinstance(body, list):
        return body, False
    if not isinstance(body, dict):
        raise Problem(422, "the body must be an object of inputs, or a list of them")
    if ROWS not in body or ROWS in function.arguments:
        return [body], True
    if len(body) > 1 or not isinstance(body[ROWS], list):
        raise Problem(422, '"rows" must be a list of objects, and stand alone')
    return body[ROWS], False


async def _answered(
    request: Request, service: Service, user: User, asked: _Asked, stack: ExitStack
) -> Response:
    wanted = None
    for tried in range(TRIES):
        catalog = await service.catalogs.current(wanted)
        prepared = await asked.given.use(partial(_prepared, asked, catalog))
        call = prepared.call
        if not call.rows:
            return JSONResponse(call.empty())
        try:
            with ExitStack() as inner:
                answer, entry = await _begun(request, service, user, prepared, inner)
                if answer.file == catalog.file:
                    service.metrics.predicted(call.function.name, prepared.models)
                    stack.push(inner.pop_all().__exit__)
                    return Streamed(answer, entry, prepared.body, stack.pop_all())
                await answer.close()
            wanted = answer.file
        except Failed:
            if tried + 1 == TRIES or service.catalogs.file() == catalog.file:
                raise
    raise Problem(503, "the published file changes too often: try again", RETRY)


@dataclass(frozen=True)
class _Prepared:
    """A checked request, and all of the work for it that grows with its rows."""

    call: Call
    statement: Statement
    body: Body
    models: Counter[str]


def _prepared(asked: _Asked, catalog: Catalog) -> _Prepared:
    call = asked.call(catalog)
    return _Prepared(call, call.statement(), call.body(), call.models(catalog.models))


async def _begun(
    request: Request,
    service: Service,
    user: User,
    prepared: _Prepared,
    stack: ExitStack,
) -> tuple[Answer, Entry]:
    values = sum(map(len, prepared.call.table.values()))
    said = prepared.statement
    entry = stack.enter_context(
        service.audit.statement(user, DOOR, client_of(request), said.sql, values)
    )
    query = query_of(user, said.sql, said.parameters, "json")
    running = service.pool.run(query, user.limits.seconds)
    return await while_here(request.receive, running), entry
