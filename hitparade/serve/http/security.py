"""Who asks: a token, a password, or anyone on this machine but not a page in its browser."""

import asyncio
import base64
import binascii
from urllib.parse import urlsplit

from starlette.requests import Request

from hitparade.serve.http.problems import Problem
from hitparade.serve.local import LOCAL
from hitparade.serve.users import User, Users

CHALLENGE = 'Bearer realm="hitparade", Basic realm="hitparade", charset="UTF-8"'


class Gate:
    """Finds the user of each request."""

    def __init__(self, users: Users):
        """Take the known users."""
        self._users = users
        # Deriving the keys of a password takes milliseconds of a core: others must get some.
        self._deriving = asyncio.Semaphore(1)

    @property
    def is_local(self) -> bool:
        """Whether the server asks for no password, because it listens on this machine only."""
        return self._users.anyone is not None

    async def user(self, request: Request) -> User:
        """Return who asks.

        Raises:
            Problem: the request names no known user, or comes from a page of another site.
        """
        if self._users.anyone is not None:
            check_local(request)
            return self._users.anyone
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        found = None
        if scheme.lower() == "bearer":
            found = self._users.with_token(given.strip())
        elif scheme.lower() == "basic":
            found = await self._with_password(given.strip())
        if found is None:
            said = "the token or password is wrong" if scheme else "give a token or a password"
            detail = f"{said}: the header Authorization must be `Bearer TOKEN` or Basic"
            raise Problem(401, detail, {"WWW-Authenticate": CHALLENGE})
        return found

    async def _with_password(self, given: str) -> User | None:
        try:
            name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon:
            return None
        async with self._deriving:
            return await asyncio.to_thread(self._users.with_password, name, password)


def check_local(request: Request) -> None:
    """Refuse a request that a web page made.

    A page of another site can send requests to this machine under a name of its own (DNS
    rebinding), so the name that was asked for must be one of this machine.

    Raises:
        Problem: the request is not for this machine, or a page of another site made it.
    """
    if _host("//" + request.headers.get("host", "")) not in LOCAL:
        raise Problem(403, "this server answers only as localhost, 127.0.0.1 or [::1]")
    origin = request.headers.get("origin")
    if origin is not None and _host(origin) not in LOCAL:
        raise Problem(403, "this server does not answer pages of other sites")


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
