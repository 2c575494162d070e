"""`POST /sql`: read-only queries."""

import json
from contextlib import ExitStack
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hitparade.serve.http.answers import Body, Streamed, while_here
from hitparade.serve.http.bodies import JSON, read_json
from hitparade.serve.http.kinds import described, is_unicode
from hitparade.serve.http.problems import Problem
from hitparade.serve.http.service import DOOR, client_of, query_of, service_of
from hitparade.serve.pool import Answer
from hitparade.serve.requests import Encoding

ARROW = "application/vnd.apache.arrow.stream"
ENCODINGS: dict[str, Encoding] = {ARROW: "arrow", JSON: "json", "application/*": "json"}
LARGEST = 2**127 - 1
MEMBERS = {"sql", "parameters"}


async def sql(request: Request) -> Response:
    """Run one SELECT."""
    service = service_of(request)
    user = await service.gate.user(request)
    if not user.sql:
        raise Problem(403, f"{user.name} may not send SQL: call /predict/{{function}}")
    encoding = _encoding(request.headers.get("accept", "*/*"))
    with ExitStack() as stack:
        stack.enter_context(service.request_of(user))
        given = await read_json(request, service.settings)
        text, parameters = await given.use(lambda: _statement(given.value))
        entry = stack.enter_context(
            service.audit.statement(user, DOOR, client_of(request), text, len(parameters))
        )
        query = query_of(user, text, parameters, encoding)
        running = service.pool.run(query, user.limits.seconds)
        answer = await while_here(request.receive, running)
        body = _arrow() if encoding == "arrow" else _json(answer)
        return Streamed(answer, entry, body, stack.pop_all())


def _encoding(accept: str) -> Encoding:
    """Return the first known media type that a client accepts."""
    for each in accept.split(","):
        kind = each.partition(";")[0].strip().lower()
        if kind in ("", "*/*"):
            return "json"
        if kind in ENCODINGS:
            return ENCODINGS[kind]
    raise Problem(406, f"an answer is {JSON} or {ARROW}")


def _statement(body: Any) -> tuple[str, list[Any]]:
    if not isinstance(body, dict):
        raise Problem(422, 'the body must be an object: {"sql": "select 1", "parameters": []}')
    if unknown := body.keys() - MEMBERS:
        raise Problem(422, f"{min(unknown)[:60]} is not known: give sql and parameters")
    text, parameters = body.get("sql"), body.get("parameters")
    if not isinstance(text, str):
        raise Problem(422, "sql must be a text")
    if not is_unicode(text):
        raise Problem(422, "sql has half of a surrogate pair")
    if not isinstance(parameters, list | None):
        raise Problem(422, "parameters must be a list, in the order of $1, $2 and so on")
    for place, value in enumerate(parameters or [], start=1):
        _check_parameter(place, value)
    return text, parameters or []


def _check_parameter(place: int, value: Any) -> None:
    values = value if isinstance(value, list) else [value]
    for each in values:
        if isinstance(each, dict | list):
            problem = f"is {described(each)}: give a text, a number, true, false, null, or a list"
        elif isinstance(each, str) and not is_unicode(each):
            problem = "has half of a surrogate pair"
        elif isinstance(each, int | float) and not abs(each) <= LARGEST:
            problem = f"is {described(each)}, beyond 128 bits"
        else:
            continue
        raise Problem(422, f"parameter {place} {problem}")


def _arrow() -> Body:
    return Body(ARROW, lambda chunk: chunk.body)


def _json(answer: Answer) -> Body:
    head = '{"columns": ' + json.dumps(answer.columns) + ', "rows": ['
    return Body(JSON, lambda chunk: chunk.body, head.encode(), b", ", lambda: b"]}")
