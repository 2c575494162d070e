"""Read a request's body: JSON, within limits, and without anything that two readers take apart."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from hitparade.serve.http.problems import Problem
from hitparade.serve.http.settings import HttpSettings

JSON = "application/json"
LARGE = 100_000  # bytes that take a millisecond
# The rest of the body is not read: the connection ends with the answer.
CLOSE = {"Connection": "close"}
Result = TypeVar("Result")


@dataclass(frozen=True)
class Given:
    """The value of a JSON body."""

    value: Any
    size: int
    """Bytes of the body."""

    async def use(self, work: Callable[[], Result]) -> Result:
        """Do work whose time grows with the body."""
        return await _aside(self.size, work)


async def _aside(size: int, work: Callable[[], Result]) -> Result:
    # A thread takes turns with the event loop, which has other clients.
    return work() if size < LARGE else await asyncio.to_thread(work)


async def read_json(request: Request, settings: HttpSettings) -> Given:
    """Return the value of a JSON body.

    Raises:
        Problem: the body is too large or too slow, or it is not JSON.
    """
    _check_type(request)
    try:
        async with asyncio.timeout(settings.body_seconds):
            body = await _body(request, settings.body)
    except TimeoutError as error:
        detail = f"the body did not arrive in {settings.body_seconds:.0f} seconds"
        raise Problem(408, detail, CLOSE) from error
    except ClientDisconnect as error:
        raise Problem(400, "the body ended early", CLOSE) from error
    return Given(await _aside(len(body), lambda: parse(body)), len(body))


def _check_type(request: Request) -> None:
    # A browser sends this type to another site only after asking, and the answer here is no.
    given = request.headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != JSON or charset not in ("", "charset=utf-8", "charset=utf8"):
        said = f"not {given[:60]}" if given else "and the request names no Content-Type"
        raise Problem(415, f"the body must be {JSON} in UTF-8, {said}", CLOSE)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "the body must not be compressed", CLOSE)


async def _body(request: Request, most: int) -> bytes:
    too_large = Problem(
        413, f"the body has more than {most:,} bytes: send fewer rows in one request", CLOSE
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def parse(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        Problem: it is no JSON, or an object has a name twice.
    """
    if not body.strip():
        raise Problem(400, "the body is empty: send JSON")
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_no_number, parse_int=_integer
        )
    except UnicodeDecodeError as error:
        raise Problem(400, "the body is not UTF-8") from error
    except RecursionError as error:
        raise Problem(400, "the body is nested too deeply") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(400, f"the body is not JSON: {error.msg} at {where}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise Problem(400, f"an object has the name {json.dumps(twice[:60])} twice")
    return found


def _no_number(text: str) -> Any:
    raise Problem(400, f"the body is not JSON: {text} is no number there; null means missing")


def _integer(text: str) -> int | float:
    # Longer ones are beyond every type; Python would refuse to read some of them.
    return int(text) if len(text) < 400 else float(text)
