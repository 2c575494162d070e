"""Listen for PostgreSQL clients, and find out who they are."""

import asyncio
import contextlib
import itertools
import secrets
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pg_mimic import messages

from hitparade.serve.pool import Failed
from hitparade.serve.postgres.authentication import has_password
from hitparade.serve.postgres.connection import Connection, Services
from hitparade.serve.postgres.settings import Settings
from hitparade.serve.postgres.stream import Closed, Malformed, Stream
from hitparade.serve.users import User, Users

STARTUP_SECONDS = 10.0  # a client that has not proved who it is by then is dropped
PROTOCOL = 3
MOST_WAITING = 256  # clients that have not proved who they are
# Parameters of a startup message that are no settings.
_NO_SETTINGS = {"user", "database", "options", "replication"}
_CANCEL = struct.Struct("!ii")
_SECRET = struct.Struct("!i")


@dataclass(frozen=True)
class Startup:
    """What a client says at first."""

    user: str
    database: str
    settings: dict[str, str]


class Server:
    """The PostgreSQL door."""

    def __init__(
        self, use: Services, users: Users, database: str, tls: ssl.SSLContext | None, most: int
    ):
        """Take what connections use.

        Args:
            use: the pool and the audit.
            users: who may connect.
            database: the name of the only database.
            tls: None for no encryption.
            most: connections at the same time.
        """
        self._use, self._users, self._database, self._tls = use, users, database, tls
        self._most = most
        self._server: asyncio.Server
        self._pids = itertools.count(10_000)
        self._connections: dict[tuple[int, int], Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._stopping = False

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises:
            OSError: the address is taken.
        """
        self._server = await asyncio.start_server(self._accepted, host, port, limit=2**16)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self, seconds: float) -> None:
        """Accept no more clients, let statements end, then drop who is left."""
        self._stopping = True
        self._server.close()
        for connection in list(self._connections.values()):
            connection.stop()
        if self._tasks:
            _, left = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        stream = Stream(reader, writer)
        try:
            await self._serve(stream)
        except Closed:
            pass
        except Failed as error:
            with contextlib.suppress(Closed):
                await _refuse(stream, error)
        except asyncio.CancelledError:
            stream.abort()
        finally:
            stream.close()
            self._tasks.discard(task)

    async def _serve(self, stream: Stream) -> None:
        async with self._entrance():
            startup = await self._started(stream)
            if startup is None:
                return
            if len(self._connections) >= self._most:
                raise _too_many()
            user = await self._proved(stream, startup)
        if startup.database != self._database:
            raise Failed(
                "3D000",
                f'database "{startup.database}" does not exist: the only one is "{self._database}"',
            )
        settings = Settings(user.name, startup.settings)
        with self._users.connection(user):
            await self._connected(stream, user, settings)

    @contextlib.asynccontextmanager
    async def _entrance(self) -> AsyncIterator[None]:
        """Limit the time and the number of clients that have not proved who they are."""
        if self._waiting >= MOST_WAITING:
            raise _too_many()
        self._waiting += 1
        try:
            async with asyncio.timeout(STARTUP_SECONDS):
                yield
        except TimeoutError as error:
            raise Closed from error
        finally:
            self._waiting -= 1

    async def _started(self, stream: Stream) -> Startup | None:
        """Return what the client says of itself, or None if it only cancels a statement."""
        code, payload = await stream.startup()
        for _ in range(2):  # a client may ask for GSS encryption, then for TLS
            if code == messages.GSSENC_REQUEST_CODE:
                stream.write(b"N")
            elif code == messages.SSL_REQUEST_CODE and not stream.is_encrypted:
                await self._encrypt(stream)
            else:
                break
            await stream.drain()
            code, payload = await stream.startup()
        if code == messages.CANCEL_REQUEST_CODE:
            self._cancel(payload)
            return None
        if code >> 16 != PROTOCOL:
            raise Malformed(f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}")
        if self._tls and not stream.is_encrypted:
            raise Failed("28000", "connections must be encrypted: set sslmode=require")
        return _parsed(payload)

    def _cancel(self, payload: bytes) -> None:
        if len(payload) != _CANCEL.size:
            return
        if connection := self._connections.get(_CANCEL.unpack(payload)):
            connection.cancel()

    async def _encrypt(self, stream: Stream) -> None:
        stream.write(b"S" if self._tls else b"N")
        if self._tls:
            await stream.drain()
            await stream.encrypt(self._tls)

    async def _proved(self, stream: Stream, startup: Startup) -> User:
        user = self._users.named(startup.user)
        if user is None or user is not self._users.anyone:
            verifier = user.verifier if user and user.verifier else self._users.nobody(startup.user)
            if not await has_password(stream, verifier) or user is None:
                raise Failed("28P01", f'password authentication failed for user "{startup.user}"')
        stream.write(messages.make_authentication_ok())
        return user

    async def _connected(self, stream: Stream, user: User, settings: Settings) -> None:
        key = (next(self._pids), _SECRET.unpack(secrets.token_bytes(4))[0])
        connection = Connection(stream, user, self._database, key[0], settings, self._use)
        self._connections[key] = connection
        self._use.audit.connections.labels("postgres").inc()
        try:
            for name, value in settings.reported().items():
                stream.write(messages.make_parameter_status(name, value))
            stream.write(messages.make_backend_key_data(*key))
            if self._stopping:
                connection.stop()
            await connection.run()
        finally:
            self._use.audit.connections.labels("postgres").dec()
            del self._connections[key]


def _too_many() -> Failed:
    return Failed("53300", "sorry, too many clients already")


def _parsed(payload: bytes) -> Startup:
    try:
        given = messages.parse_startup_message(payload)
    except (ValueError, IndexError) as error:
        raise Malformed("invalid startup packet layout") from error
    if not given.get("user"):
        raise Failed("28000", "no PostgreSQL user name specified in startup packet")
    if given.get("replication", "false").lower() not in ("false", "off", "no", "0"):
        raise Failed("0A000", "there is no replication here")
    settings = {name: value for name, value in given.items() if name not in _NO_SETTINGS}
    settings = {name: value for name, value in settings.items() if not name.startswith("_pq_.")}
    settings |= _options(given.get("options", ""))
    return Startup(given["user"], given.get("database") or given["user"], settings)


def _options(text: str) -> dict[str, str]:
    r"""Return the settings of `-c name=value --name=value`, where `\ ` stands for a space."""
    words = [word.replace("\0", " ") for word in text.replace("\\ ", "\0").split()]
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        pair = next(rest, "") if word == "-c" else word.removeprefix("-c").removeprefix("--")
        name, _, value = pair.partition("=")
        found[name.replace("-", "_")] = value
    return found


async def _refuse(stream: Stream, error: Failed) -> None:
    text = str(error).replace("\0", " ")
    stream.write(
        messages.make_error_response({"S": "FATAL", "V": "FATAL", "C": error.sqlstate, "M": text})
    )
    await stream.drain()
